"""Each file is one that the Collector takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.servers.collector import CONFIG, validate

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

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
def test_a_file_is_valid_with_its_variables_and_says_what_is_missing_without(
    otelcol: Path, file: Path, tmp_path: Path
) -> None:
    """Nothing is said against it; without the address of Elasticsearch, or of the gateway, the Collector says so."""
    environment = {**VARIABLES, "STATE_DIR": str(tmp_path)}
    assert validate(file, environment=environment) == ""
    for name in ("OPENREPLAY_OTEL_STORE", "GATEWAY_URL"):
        del environment[name]
    assert "endpoint" in validate(file, environment=environment)


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
