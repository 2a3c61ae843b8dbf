"""Each file is one that the Collector takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.servers.collector import CONFIG, validate

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration
NAMED_AS = {
    "OPENREPLAY_OTEL_STORE": "endpoint",
    "GATEWAY_URL": "endpoint",
    "LOG_GLOB": "'include' must be specified",
}
"""What is said instead of the variable's name."""

FILES = sorted(path for path in CONFIG.glob("*.yaml") if path.name != "builder-config.yaml")
VALUES = {"gateway-values.yaml": "gateway.yaml", "agent-values.yaml": "agent.yaml"}
VARIABLES = {
    "OPENREPLAY_OTEL_STORE": "https://elasticsearch.example.com:9200",
    "OPENREPLAY_OTEL_API_KEY": "bm90OmFueQ==",
    "GATEWAY_URL": "https://gateway.example.com:4318",
    "GATEWAY_TOKEN": "secret",
    "KAFKA_BROKERS": "kafka-1:9092",
    "LOG_GLOB": "/var/log/shop/app.log*",
    "SERVICE_NAME": "shop",
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@pytest.mark.usefixtures("otelcol")
def test_a_file_is_valid_with_its_variables_and_says_what_is_missing_without(
    file: Path, tmp_path: Path
) -> None:
    """Nothing is said against it; without one of them, or with an empty one, the Collector does not start."""
    environment = {**VARIABLES, "STATE_DIR": str(tmp_path)}
    assert validate(file, environment=environment) == ""
    text = file.read_text(encoding="utf-8")
    # Without brokers the Collector starts, and its log says that it cannot reach any.
    needed = [name for name in VARIABLES if f"env:{name}}}" in text and name != "KAFKA_BROKERS"]
    assert needed
    for name in needed:
        for value in (None, ""):
            others = {**environment, name: value or ""}
            if value is None:
                del others[name]
            assert NAMED_AS.get(name, name) in validate(file, environment=others)


@pytest.mark.usefixtures("otelcol")
def test_an_unknown_kind_of_log_file_is_no_configuration(tmp_path: Path) -> None:
    """LOG_FORMAT chooses a processor, and there is none of another name."""
    environment = {**VARIABLES, "STATE_DIR": str(tmp_path)}
    file = CONFIG / "filelog.yaml"
    assert validate(file, environment={**environment, "LOG_FORMAT": "json"}) == ""
    assert "transform/xml" in validate(file, environment={**environment, "LOG_FORMAT": "xml"})


@pytest.mark.parametrize("name", VALUES)
def test_the_values_for_kubernetes_hold_the_same_configuration(
    otelcol: Path, name: str, tmp_path: Path
) -> None:
    """What the chart takes is the file for that role, and valid; nothing in it is a template to Helm."""
    text = (CONFIG / "kubernetes" / name).read_text(encoding="utf-8")
    values: dict[str, Any] = yaml.safe_load(text)
    whole = yaml.safe_load((CONFIG / VALUES[name]).read_text(encoding="utf-8"))
    assert values["alternateConfig"] == whole
    assert "{{" not in text
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(values["alternateConfig"]), encoding="utf-8")
    environment = {one["name"]: one["value"] for one in values["extraEnvs"] if "value" in one}
    assert set(VARIABLES) & {one["name"] for one in values["extraEnvs"]}
    assert (
        validate(file, environment={**VARIABLES, **environment, "STATE_DIR": str(tmp_path)}) == ""
    )


def test_the_compose_file_names_what_is_there() -> None:
    """Its services, volumes and files exist, and its app sends to its Collector; no engine runs it here."""
    folder = CONFIG / "compose"
    compose: dict[str, Any] = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    assert set(services) == {"elasticsearch", "setup", "collector", "app"}
    for service in services.values():
        assert ("image" in service) != ("build" in service)
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (folder / source).exists()
        assert set(service.get("depends_on", ())) <= set(services)
    assert (folder / "Dockerfile").exists()
    assert services["app"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"
    assert services["app"]["environment"]["OPENREPLAY_OTEL_STORE"] == "http://elasticsearch:9200"
