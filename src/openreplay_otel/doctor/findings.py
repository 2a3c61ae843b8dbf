"""All that the doctor can find, in one table: what it says, what it means, and what mends it. Pure.

The checks name a row of it; the page ``docs/doctor.md`` is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Status = Literal["ok", "warning", "failed", "skipped"]

CHECKS: Final = {
    "settings": "Settings",
    "server": "Server",
    "clock": "Clocks",
    "alias": "Name logs",
    "template": "Index template",
    "indexes": "Session indexes",
    "elsewhere": "Other data streams",
    "writer": "Key of the apps",
    "reader": "Key of OpenReplay",
    "probe": "A record's whole way",
    "size": "Long sessions",
    "spool": "Spool",
    "files": "Files",
    "app": "Your app",
    "cors": "Front end (CORS)",
}
"""The checks in their order, and how they are called."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check can come to.

    Attributes:
        check: Which check.
        status: How it is.
        says: The sentence, with names in braces for what varies.
        mend: What to do about it, a command where there is one; empty where all is well.
        means: For the page: why that matters.
    """

    check: str
    status: Status
    says: str
    mend: str = ""
    means: str = ""


_OF_SESSIONS: Final = (
    '{{"bool": {{"should": [{{"exists": {{"field": "openreplay.session.id"}}}},'
    ' {{"exists": {{"field": "attributes.openreplay.session.id"}}}}]}}}}'
)
_NO_PIPELINE: Final = (
    'PUT /{pattern}/_settings {{"index.default_pipeline": null, "index.final_pipeline": null}}'
)
FINDINGS: Final[dict[str, Finding]] = {
    "settings.used": Finding("settings", "ok", "{values}"),
    "settings.no-token-tag": Finding(
        "settings", "failed",
        "tags is {tags}, but OpenReplay up to v1.20 looks for openReplaySessionToken",
        "export OPENREPLAY_OTEL_TAGS=openReplaySession.id,openReplaySessionToken",
        "Its reader finds no record. Both tags hold the id, never the token; apps and Collectors need the setting.",
    ),
    "settings.tags-not-here": Finding(
        "settings", "warning",
        "OPENREPLAY_OTEL_TAGS is not set here; OpenReplay up to v1.20 looks for openReplaySessionToken",
        "export OPENREPLAY_OTEL_TAGS=openReplaySession.id,openReplaySessionToken",
        "What the apps and Collectors have cannot be seen from here; each of them needs the setting.",
    ),
    "settings.sqlite": Finding(
        "settings", "warning",
        "the store is {store}: OpenReplay reads Elasticsearch only",
        "openreplay-otel doctor --store https://<host>:9200",
        "Lookups work with SQLite; beside a recording its logs do not appear.",
    ),
    "server.ok": Finding("server", "ok", "{store} is Elasticsearch {version}"),
    "server.unreachable": Finding(
        "server", "failed", "no connection: {reason}", "curl {store}",
        "Nothing answers at that address from this machine. Host, port, scheme, network, a server that is down.",
    ),
    "server.credentials": Finding(
        "server", "failed", "not accepted: {reason}",
        "OPENREPLAY_OTEL_API_KEY= openreplay-otel api-key lookup --env --store https://<user>:<password>@<host>:9200,"
        " and set what it prints",
        "The key is misspelt, revoked or expired, or user and password are wrong.",
    ),
    "server.not-elasticsearch": Finding(
        "server", "failed", "not Elasticsearch 8 or 9: {reason}", "curl -i {store}",
        "OpenReplay's client asks for the header X-Elastic-Product too: another program, or a proxy that"
        " takes headers away.",
    ),
    "server.no-version": Finding(
        "server", "ok", "{store} answers; its version may not be asked with this key"
    ),
    "server.interrupted": Finding(
        "server", "failed", "{check} could not be looked at: {reason}", "curl {store}",
        "The server answered before, and then did not, or refused a request that only looks.",
    ),
    "clock.ok": Finding("clock", "ok", "this machine and the cluster differ by {seconds} s"),
    "clock.off": Finding(
        "clock", "failed", "this machine's clock is {seconds} s {side} the cluster's",
        "timedatectl set-ntp true (on the machine that is wrong)",
        "Records stand at the wrong place of the recording; tokens seem to have expired; over ten minutes"
        " sessions seem made up.",
    ),
    "clock.differs": Finding(
        "clock", "warning", "this machine's clock is {seconds} s {side} the cluster's",
        "timedatectl set-ntp true (on the machine that is wrong)",
        "Records stand that much beside their place in the recording.",
    ),
    "clock.unknown": Finding("clock", "skipped", "the cluster's time may not be asked with this key"),
    "alias.ok": Finding("alias", "ok", "{names} covers {count} session indexes"),
    "alias.pending": Finding(
        "alias", "ok", "there is no session index yet; {names} comes with the first record"
    ),
    "alias.foreign": Finding(
        "alias", "failed", "the name {name} is taken: {reason}",
        'POST /_reindex {{"source": {{"index": "{name}"}}, "dest": {{"index": "{name}-moved", "op_type": "create"}}}},'
        " DELETE {path}, openreplay-otel setup{more}",
        "OpenReplay from v1.21 on reads the name logs and no other. Up to v1.20 it reads any:"
        " openreplay-otel setup --for v1.20 --alias openreplay.",
    ),
    "alias.wired": Finding(
        "alias", "failed", "{reason}",
        "POST /_streams/logs/_disable, openreplay-otel setup{more}",
        "Only Elasticsearch 9.1 to 9.3 and clusters that come from there: from 9.4 on new ones leave the name free.",
    ),
    "alias.beside-wired": Finding("alias", "ok", "{reason}"),
    "alias.data-stream": Finding(
        "alias", "failed",
        "the alias {alias} covers the data stream {name}, beside which no session index can stand",
        'POST /_aliases {{"actions": [{{"remove": {{"index": "{name}", "alias": "{alias}"}}}}]}},'
        " openreplay-otel setup{more}",
        "Elasticsearch refuses an alias over both, so new records are not found or even not stored.",
    ),
    "alias.stream-beside": Finding(
        "alias", "failed",
        "{name} is a data stream under the prefix of the session indexes",
        "DELETE /_data_stream/{name}, or openreplay-otel setup --index <another prefix>",
        "A template of data streams takes the place of ours: records go where OpenReplay's order is lost.",
    ),
    "alias.missing": Finding(
        "alias", "failed", "{names} does not stand behind the name {alias}",
        "openreplay-otel setup{more}",
        "OpenReplay does not find these records.",
    ),
    "alias.strangers": Finding(
        "alias", "warning", "{alias} covers {names} too, which openreplay-otel did not make",
        'POST /_aliases {{"actions": [{{"remove": {{"indices": {listed}, "alias": "{alias}"}}}}]}}',
        "OpenReplay searches them with the others; a field of another type there breaks its request.",
    ),
    "alias.unseen": Finding("alias", "skipped", "names may not be looked at with this key"),
    "template.ok": Finding("template", "ok", "{name} is in force, version {version}"),
    "template.missing": Finding(
        "template", "failed", "there is no index template for {pattern}", "openreplay-otel setup{more}",
        "Elasticsearch guesses the fields: the order of hits is lost, the name logs is missing.",
    ),
    "template.old": Finding(
        "template", "failed", "{name} is not the one of this version: {what}", "openreplay-otel setup{more}",
        "It was made by an older openreplay-otel, or changed. New indexes follow the new one.",
    ),
    "template.foreign": Finding(
        "template", "failed", "{name} was made by somebody else",
        "openreplay-otel setup --index <another prefix>,"
        " export OPENREPLAY_OTEL_INDEX=<another prefix> (for the apps too)",
        "It is not touched, so that the session indexes are not as OpenReplay needs them.",
    ),
    "template.overridden": Finding(
        "template", "failed", "{winner} counts for {pattern}, not {name}",
        "give {winner} a lower priority than 500, or narrower patterns",
        "Of several templates that fit, the one with the highest priority counts.",
    ),
    "template.no-alias": Finding(
        "template", "failed", "{name} gives new indexes no name {alias}", "openreplay-otel setup{more}",
        "OpenReplay finds nothing of the next day on.",
    ),
    "template.unseen": Finding("template", "skipped", "templates may not be looked at with this key"),
    "indexes.ok": Finding("indexes", "ok", "{count} looked at: fields and order are as OpenReplay needs them"),
    "indexes.none": Finding("indexes", "ok", "there is none yet"),
    "indexes.analyzer": Finding(
        "indexes", "failed", "{index} {reason}",
        "openreplay-otel setup{more} --repair",
        "The analyzers simple and stop leave the word openreplaysession and id, and no digits.",
    ),
    "indexes.message": Finding(
        "indexes", "failed", "{index} {reason}",
        "openreplay-otel setup{more} --repair",
        "The reader asks for words in a row; a keyword is one word.",
    ),
    "indexes.field": Finding(
        "indexes", "failed", "{index} {reason}",
        "openreplay-otel setup{more} --repair",
        "The index was made before the template, or by another program.",
    ),
    "indexes.order": Finding(
        "indexes", "warning", "{index} {reason}",
        "openreplay-otel setup{more} --repair",
        "OpenReplay asks for no order and shows the hits as they come.",
    ),
    "indexes.disorder": Finding(
        "indexes", "warning", "{index} {reason}",
        "openreplay-otel setup{more} --repair",
        "Several processes have caught up at the same time, or records came late. Merged into one part, the index is in"
        " order again; do it once the day is over, or the backlog delivered.",
    ),
    "indexes.beside": Finding(
        "indexes", "failed", "{index} stands beside the day's index",
        "openreplay-otel setup{more} --repair",
        "Hits of several indexes come by name: a session with records in both is out of order.",
    ),
    "indexes.stranger": Finding(
        "indexes", "failed", "{index} {reason}; it is no index of a day",
        'POST /_aliases {{"actions": [{{"remove": {{"index": "{index}", "alias": "{alias}"}}}}]}}',
        "OpenReplay searches it with the others. openreplay-otel does not change what others made.",
    ),
    "indexes.blocked": Finding(
        "indexes", "failed", "{index} {reason}",
        'PUT /{index}/_settings {{"index.blocks.{block}": null}}',
        "Records of sessions that began on that day cannot be stored. Free disk space first, if that is why.",
    ),
    "indexes.unseen": Finding("indexes", "skipped", "indexes may not be looked at with this key"),
    "elsewhere.ok": Finding("elsewhere", "ok", "none has records of sessions"),
    "elsewhere.found": Finding(
        "elsewhere", "warning",
        "{count} records of sessions are in {names}, where OpenReplay does not look",
        "openreplay-otel setup{more} --pipeline,"
        ' POST /_reindex {{"conflicts": "proceed", "source": {{"index": "{indexes}", "query": ' + _OF_SESSIONS + "}},"
        ' "dest": {{"index": "{pipeline}-rest", "pipeline": "{pipeline}", "op_type": "create"}}}},'
        ' POST /{indexes}/_delete_by_query {{"query": ' + _OF_SESSIONS + "}}",
        "Something sends them by OTLP to Elasticsearch itself, or by a Collector without our configuration. Send"
        " them by collector-config/ instead, or by openreplay-otel in the app.",
    ),
    "elsewhere.unseen": Finding("elsewhere", "skipped", "other data streams may not be looked at with this key"),
    "writer.ok": Finding("writer", "ok", "{whose} can add records and read none"),
    "writer.wide": Finding(
        "writer", "warning", "{whose} can {what} too",
        "openreplay-otel api-key writer{of}",
        "An app that is broken into should not give away or change logs.",
    ),
    "writer.cannot": Finding(
        "writer", "failed", "{whose} cannot add records to {names}",
        "openreplay-otel api-key writer{of}",
        "Nothing that the apps log is stored.",
    ),
    "writer.invalid": Finding(
        "writer", "failed", "{whose} is not accepted: {reason}", "openreplay-otel api-key writer{of}",
        "It is misspelt, revoked or expired.",
    ),
    "writer.untested": Finding(
        "writer", "skipped", "no key to test: give --writer-key, or credentials that may make a key for a moment"
    ),
    "reader.ok": Finding("reader", "ok", "{whose} reads {names} and nothing else"),
    "reader.wide": Finding(
        "reader", "warning", "{whose} may do far more than OpenReplay needs: {what}",
        "openreplay-otel api-key reader{more}, enter the new key in OpenReplay, revoke the old one",
        "The documentation's own recipe (cluster all, read on *log*) does. Who gets at OpenReplay's database"
        " gets at the cluster.",
    ),
    "reader.invalid": Finding(
        "reader", "failed", "{whose} is not accepted: {reason}", "openreplay-otel api-key reader{more}",
        "It is misspelt, revoked or expired. OpenReplay needs id and api_key, not the encoded form.",
    ),
    "reader.target": Finding(
        "reader", "failed", "{whose} may read the indexes behind {names}, but not the name {names} itself",
        "openreplay-otel api-key reader{more}",
        "A key has to name the alias: OpenReplay gets 403 for the name that it asks.",
    ),
    "reader.refused": Finding(
        "reader", "failed", "{whose} may not read {names}: {reason}", "openreplay-otel api-key reader{more}",
        "OpenReplay shows no logs at all.",
    ),
    "reader.no-monitor": Finding(
        "reader", "failed", "{whose} may not ask for the server itself",
        "openreplay-otel api-key reader{more}",
        "The settings form up to v1.20 tests with that request, and does not store the key.",
    ),
    "reader.untested": Finding(
        "reader", "skipped",
        "no key to test: give --key-id and --api-key, or credentials that may make a key for a moment",
    ),
    "probe.ok": Finding(
        "probe", "ok",
        "two records went from the header to both readers, in order, and were removed again",
    ),
    "probe.no-session": Finding(
        "probe", "failed", "the session of a request's header does not reach the log record",
        "python -m pip install --force-reinstall openreplay-otel",
        "Something in this installation is broken: it did not even come to the store.",
    ),
    "probe.refused": Finding(
        "probe", "failed", "the store does not take the record: {reason}", _NO_PIPELINE,
        "The reason is Elasticsearch's own, often a block or a pipeline. The same happens to the apps' records.",
    ),
    "probe.unseen": Finding(
        "probe", "failed", "the request of OpenReplay {version} does not find the record",
        "openreplay-otel setup{more} --repair",
        "The record is stored, but the panel stays empty: the name logs, the analyzer or the fields are wrong.",
    ),
    "probe.order": Finding(
        "probe", "failed", "the panel would show the later record first",
        "openreplay-otel setup{more} --repair",
        "The index has another order than ours: see the checks of template and indexes.",
    ),
    "probe.panel": Finding(
        "probe", "failed", "the panel cannot show the record: {reason}", _NO_PIPELINE,
        "A pipeline or template of others changes documents on their way.",
    ),
    "probe.mixed": Finding(
        "probe", "failed", "a session that does not exist gets records, from {names}",
        "openreplay-otel setup{more} --repair",
        "Every session shows the records of every session: the analyzer drops the digits of the ids.",
    ),
    "probe.left": Finding(
        "probe", "warning", "the record went all the way, but could not be removed: session {session}",
        'POST /{pattern}/_delete_by_query {{"query": {{"term": {{"openreplay.session.id": "{session}"}}}}}}',
        "Deleting needs a privilege that these credentials lack.",
    ),
    "probe.untested": Finding("probe", "skipped", "{reason}"),
    "size.ok": Finding("size", "ok", "no session has more than 1,000 records"),
    "size.over": Finding(
        "size", "warning",
        "{count} sessions have more than 1,000 records, of which the panel shows the first 1,000: {names}",
        "openreplay-otel logs {first} (shows all); a higher level for loggers that talk much",
        "OpenReplay asks for 1,000 and no more.",
    ),
    "size.unknown": Finding("size", "skipped", "{reason}"),
    "spool.ok": Finding("spool", "ok", "{count} records wait in {path}"),
    "spool.none": Finding(
        "spool", "skipped", "there is none at {path}: no app of this account keeps records here"
    ),
    "spool.unreadable": Finding(
        "spool", "failed", "{path} cannot be read: {reason}",
        "run this as the account of the app, or give it the folder (OPENREPLAY_OTEL_SPOOL_DIR)",
        "Apps that cannot use their spool keep records in memory only.",
    ),
    "spool.left": Finding(
        "spool", "warning", "{count} records of ended processes wait in {path}",
        "openreplay-otel spool --deliver",
        "The next process that logs to this store delivers them; until then they are not in the recording.",
    ),
    "spool.late": Finding(
        "spool", "warning", "{count} records wait, the oldest for {minutes} minutes",
        "openreplay-otel spool",
        "The store did not take them so far; they go out by themselves once it does.",
    ),
    "spool.dead": Finding(
        "spool", "warning", "{count} records were refused by the store for good",
        "openreplay-otel spool --dead, and --retry once the reason is mended",
        "They are kept with their reason, and can be sent again.",
    ),
    "spool.dropped": Finding(
        "spool", "warning", "records were given up: {reasons}", "openreplay-otel spool",
        "These are lost: the spool was full, or too old (OPENREPLAY_OTEL_SPOOL_MAX_BYTES, _MAX_AGE).",
    ),
    "files.ok": Finding("files", "ok", "only this account can use {paths}"),
    "files.wide": Finding(
        "files", "warning", "other accounts may use {paths}", "{command}",
        "Your logs are in there. The package makes its files for its account alone; existing ones stay as they are.",
    ),
    "app.ok": Finding("app", "ok", "{headers} reach your app and its records the store"),
    "app.unreachable": Finding(
        "app", "failed", "{url} does not answer: {reason}", "curl -i {url}",
        "The address is wrong, or the app is down.",
    ),
    "app.nothing": Finding(
        "app", "failed",
        "{url} answered {status}, but no record of any of the sessions reached the store within {seconds} s",
        "call a URL under which the app logs something; see docs/troubleshooting.md",
        "The app logs nothing there, is not linked by openreplay-otel, or writes to another store.",
    ),
    "app.dropped": Finding(
        "app", "warning", "{headers} do not arrive; {arrived} do",
        "send one that arrives, or in nginx: ignore_invalid_headers off;",
        "nginx drops header names with a dot; other proxies let through what is listed only.",
    ),
    "app.not-removed": Finding(
        "app", "warning", "the records of the sessions {sessions} could not be removed",
        "openreplay-otel doctor with credentials that may delete",
        "They are of no recording and do no harm.",
    ),
    "app.untested": Finding("app", "skipped", "give --url http://…/health to send requests to your app"),
    "cors.ok": Finding("cors", "ok", "{origin} may send {headers}"),
    "cors.refused": Finding(
        "cors", "failed", "the browser would block {headers} of {origin}: {reason}",
        "list them in Access-Control-Allow-Headers",
        "With a header that is not allowed, the browser does not send the request at all.",
    ),
    "cors.untested": Finding("cors", "skipped", "give --url and --origin https://<front end> to ask"),
}  # fmt: skip
"""All findings by name, ``<check>.<what>``."""
