"""Apache Kafka as the transport. All that knows aiokafka is in this folder."""
