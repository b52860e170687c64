//! Typed RudderStack events: identify, track, group, page, screen, alias and record.
