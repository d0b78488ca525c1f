use crate::config::section::{required, section};
use crate::config::values;

section! {
    /// `[paths]`: the paths of the endpoints. Each begins with `/`; metadata and pages repeat it as configured.
    #[derive(PartialEq, Eq)]
    Paths {
        /// The authorization endpoint.
        authorize: String = required(values::path),
        /// The token endpoint.
        token: String = required(values::path),
        /// The introspection endpoint (RFC 7662).
        introspect: String = required(values::path),
        /// The revocation endpoint (RFC 7009).
        revoke: String = required(values::path),
        /// The identity endpoint.
        identity: String = required(values::path),
    }
}
