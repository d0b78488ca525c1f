use crate::apps::registration::DisplayName;
use crate::config::section::{required, section};
use crate::config::values;

section! {
    /// `[brand]`: the name of the site on its pages.
    Brand {
        /// The name of the API's owner or product.
        name: DisplayName = required(values::name),
    }
}
