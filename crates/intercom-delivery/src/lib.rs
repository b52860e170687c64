//! Delivers planned Intercom calls in order, with retries, limits and remembered contacts.
