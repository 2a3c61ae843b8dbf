// Parses OTTL statements with the OTTL of go.mod: groups of them, as JSON on standard input. Prints those that are none.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottllog"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlresource"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlscope"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"go.opentelemetry.io/collector/component/componenttest"
)

type group struct {
	Context    string   `json:"context"`
	Conditions []string `json:"conditions"`
	Statements []string `json:"statements"`
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	settings := componenttest.NewNopTelemetrySettings()
	logs := must(ottllog.NewParser(ottlfuncs.StandardFuncs[*ottllog.TransformContext](), settings, ottllog.EnablePathContextNames()))
	resources := must(ottlresource.NewParser(ottlfuncs.StandardFuncs[*ottlresource.TransformContext](), settings, ottlresource.EnablePathContextNames()))
	scopes := must(ottlscope.NewParser(ottlfuncs.StandardFuncs[*ottlscope.TransformContext](), settings, ottlscope.EnablePathContextNames()))
	parse := map[string]func(string) error{
		"log":      func(text string) error { _, err := logs.ParseStatement(text); return err },
		"resource": func(text string) error { _, err := resources.ParseStatement(text); return err },
		"scope":    func(text string) error { _, err := scopes.ParseStatement(text); return err },
	}
	var groups []group
	if err := json.NewDecoder(os.Stdin).Decode(&groups); err != nil {
		panic(err)
	}
	count, failed := 0, 0
	take := func(err error) {
		count++
		if err != nil {
			failed++
			fmt.Println(err)
		}
	}
	for _, one := range groups {
		for _, text := range one.Statements {
			take(parse[one.Context](text))
		}
		for _, text := range one.Conditions {
			_, err := logs.ParseCondition(text)
			take(err)
		}
	}
	fmt.Printf("%d statements, %d of them none\n", count, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
