"""What words and sentences say, whatever plugin is spoken of: verbs, negation, agreement, quotation, fixed phrases."""
