"""The prediction log: segments of lines and Parquet, the labels that come later, and summaries that make long logs quick."""
