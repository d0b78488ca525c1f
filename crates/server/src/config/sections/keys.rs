use crate::config::fields::Fields;
use crate::config::section::{optional, required, section};
use crate::config::{Secret, secrets, values};
use std::path::PathBuf;

section! {
    /// `[keys]`: the master key, with which all other keys are sealed.
    Keys {
        /// The key itself, 32 bytes in base64. If given, `master_file` is not used.
        master: Option<Secret> = optional(secrets::master_key),
        /// The file of the key, relative to the data folder. The first start creates it.
        master_file: PathBuf = required(values::file_name),
    }
    check one_master();
}

/// The presets name a file, so only keys that the operator wrote are compared.
fn one_master(fields: &mut Fields<'_>) {
    let is_operators = |key: &str| fields.origin(key).is_some_and(|origin| !origin.layer.embedded);
    if is_operators("master") && is_operators("master_file") {
        fields.problem("master", "give either `master` or `master_file`");
    }
}
