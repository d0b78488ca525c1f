use crate::config::section::{required, section};
use crate::config::values;
use crate::config::words::words;

section! {
    /// `[portal]`: who may register apps on the developer pages, and which schemes they may use.
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
        /// Developers: named by the operator, or by their role in an organization.
        Developers = "developers",
        /// Nobody: apps are declared or created by a command.
        Nobody = "nobody",
    }
}
