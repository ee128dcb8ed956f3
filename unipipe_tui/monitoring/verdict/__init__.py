"""What a verdict column by column does not see: columns together, segments, answers, texts, vectors, and what matters."""
