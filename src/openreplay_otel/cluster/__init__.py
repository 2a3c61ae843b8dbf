"""The Elasticsearch side: set-up, API keys, retention, the ingest pipeline, and the doctor."""
