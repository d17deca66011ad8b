//! Delta tables: snapshots, scans, transactions, MERGE.
