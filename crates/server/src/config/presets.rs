//! The configurations that ship with Hallpass. Each is an ordinary file.

use super::tree::Layer;

const PRESETS: [(&str, &str); 5] = [
    ("default", include_str!("../../../../presets/default.toml")),
    (
        "common-controls-hub",
        include_str!("../../../../presets/common-controls-hub.toml"),
    ),
    (
        "connected-home",
        include_str!("../../../../presets/connected-home.toml"),
    ),
    ("house-check", include_str!("../../../../presets/house-check.toml")),
    ("apicbase", include_str!("../../../../presets/apicbase.toml")),
];

/// The preset that is the base of all others. Its file documents every key.
pub const DEFAULT: &str = "default";

/// The names of the presets, `default` first.
#[must_use]
pub fn preset_names() -> Vec<&'static str> {
    PRESETS.iter().map(|(name, _)| *name).collect()
}

/// The file of the preset `name`.
#[must_use]
pub fn preset_text(name: &str) -> Option<&'static str> {
    PRESETS
        .iter()
        .find(|(preset, _)| *preset == name)
        .map(|(_, text)| *text)
}

/// The source of values for the preset `name`, as messages name it.
pub(super) fn layer(name: &str) -> Layer {
    Layer {
        name: format!("preset {name}"),
        folder: None,
        embedded: true,
    }
}
