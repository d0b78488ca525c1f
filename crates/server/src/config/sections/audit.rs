use crate::config::section::{required, section};
use crate::config::values;
use std::time::Duration;

section! {
    /// `[audit]`: the record of who changed what.
    Audit {
        /// How long an event is kept.
        kept: Duration = required(values::duration),
    }
}
