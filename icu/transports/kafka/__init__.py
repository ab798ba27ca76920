"""The Kafka transport. No other room imports aiokafka."""
