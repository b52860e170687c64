//! A stateful in-memory Intercom for tests and development, as a library and over HTTP.
