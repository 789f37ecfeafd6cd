"""Fine-tuning along a label tree: level by level, encoder and heads together."""
