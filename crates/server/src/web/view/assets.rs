//! The files that pages load. They are embedded, and their paths contain a hash of their content: browsers may cache them
//! forever, and see a new release at once.

use std::fmt::Write;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};

struct Asset {
    path: String,
    content_type: &'static str,
    bytes: &'static [u8],
}

static CSS: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "look",
        "css",
        "text/css; charset=utf-8",
        include_bytes!("../../../assets/look.css"),
    )
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "copy",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../../assets/copy.js"),
    )
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "icon",
        "svg",
        "image/svg+xml",
        include_bytes!("../../../assets/icon.svg"),
    )
});

/// Content type and bytes of the asset at `path`, with or without the leading `/assets/`. The content at a path never
/// changes: `Cache-Control: public, max-age=31536000, immutable`.
#[must_use]
pub(crate) fn asset(path: &str) -> Option<(&'static str, &'static [u8])> {
    let name = path.strip_prefix("/assets/").unwrap_or(path);
    let found = [&CSS, &SCRIPT, &ICON]
        .into_iter()
        .find(|asset| asset.path.strip_prefix("/assets/") == Some(name))?;
    Some((found.content_type, found.bytes))
}

/// The path of the style sheet below `base`: `/assets/look-<hash>.css`.
#[must_use]
pub(crate) fn css_path() -> &'static str {
    &CSS.path
}

/// The path of the script for the copy buttons.
#[must_use]
pub(crate) fn script_path() -> &'static str {
    &SCRIPT.path
}

/// The path of the icon that browsers show next to a page's title.
#[must_use]
pub(crate) fn icon_path() -> &'static str {
    &ICON.path
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let mut hash = String::new();
        for byte in &digest(&SHA256, bytes).as_ref()[..8] {
            let _ = write!(hash, "{byte:02x}");
        }
        Self {
            path: format!("/assets/{name}-{hash}.{extension}"),
            content_type,
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{asset, css_path, icon_path, script_path};

    #[test]
    fn assets_are_found_by_their_whole_path_only() {
        for path in [css_path(), script_path(), icon_path()] {
            assert!(asset(path).is_some_and(|(kind, bytes)| !kind.is_empty() && !bytes.is_empty()));
            assert!(asset(path.trim_start_matches("/assets/")).is_some());
        }
        for path in ["", "/assets/", "look.css", "/assets/look-.css", "../look.css"] {
            assert!(asset(path).is_none(), "{path}");
        }
    }
}
