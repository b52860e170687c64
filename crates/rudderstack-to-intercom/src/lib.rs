//! Converts RudderStack events into Intercom API calls, as RudderStack's Intercom v2 destination does.
