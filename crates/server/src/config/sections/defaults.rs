use crate::apps::registration::{DisplayName, Slug};
use crate::config::section::{optional, required, section};
use crate::config::values;

section! {
    /// `[defaults]`: the organization and product of objects that name none.
    Defaults {
        /// The slug of the organization that every user is a member of.
        organization: Slug = required(values::slug),
        /// The name of that organization on pages. None: the declared organization's name, or the slug.
        organization_name: Option<DisplayName> = optional(values::name),
        /// The product that an app without products is subscribed to.
        product: Option<String> = optional(values::line),
    }
}
