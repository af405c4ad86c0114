"""The archive: one SQLite file behind one lock, where every fact that must outlive us is a row."""
