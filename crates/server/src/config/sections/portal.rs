use crate::config::section::{required, section};
use crate::config::values;
use crate::config::words::words;

section! {
    /// `[portal]`: who registers apps on the developer pages, and which.
    Portal {
        /// Who may register.
        register: Register = required(values::word),
        /// Custom schemes without a dot that public apps may have, in lower case.
        schemes: Vec<String> = required(values::schemes),
    }
}

words! {
    /// Who may register apps.
    Register {
        /// Everybody who can sign in.
        Everyone = "everyone",
        /// Developers: the operator named them, or their role in an organization does.
        Developers = "developers",
        /// Nobody: apps are declared, or made by a command.
        Nobody = "nobody",
    }
}
