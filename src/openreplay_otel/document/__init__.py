"""From a stamped record to the document that OpenReplay, Kibana and the lookup read. Pure."""
