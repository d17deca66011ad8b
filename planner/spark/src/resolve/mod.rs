//! What a tree means: names become columns of tables that were opened before, operators and functions are chosen, types settled.
//! The result is DataFusion's logical plan, every column of which has an id for a name, and the user's names beside it.
