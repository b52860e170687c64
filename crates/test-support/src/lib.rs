//! Fixtures, strategies, snapshots, property and simulation tests over the whole workspace.
