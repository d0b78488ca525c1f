//! `hallpass init --site`: the page that a site adds to sign its people in, in its own language.

use crate::cli::{Failed, print};
use clap::ValueEnum;

/// The section of the configuration that names the site and its secret.
pub(super) const SECTION: &str = include_str!("handover.toml");
/// The secret file that [`SECTION`] names.
pub(super) const SECRET: &str = "handover.secret";
/// The end of the declaration of the first app. An app of one organization could not be connected by people of the others.
pub(super) const APP: &str = "# People of every organization of your site can connect this app.\nreach = \"partner\"\n";

/// The language or framework of a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Site {
    /// PHP without a framework
    Php,
    /// Python with Django
    Django,
    /// JavaScript with Express
    Express,
    /// Python with Flask
    Flask,
    /// Ruby on Rails 8
    Rails,
}

impl Site {
    /// The page, as the sample site in `examples/handover` has it.
    fn page(self) -> &'static str {
        match self {
            Self::Php => include_str!("../../../../../examples/handover/php/connect.php"),
            Self::Django => include_str!("../../../../../examples/handover/django/market/connect.py"),
            Self::Express => include_str!("../../../../../examples/handover/express/connect.js"),
            Self::Flask => include_str!("../../../../../examples/handover/flask/connect.py"),
            Self::Rails => include_str!("../../../../../examples/handover/rails/connect_controller.rb"),
        }
    }

    /// The name of the file, and how the site finds it.
    fn place(self) -> &'static str {
        match self {
            Self::Php => "a file connect.php, which your site serves",
            Self::Django => "a file connect.py, with path(\"connect/sign-in\", connect.sign_in) in urls.py",
            Self::Express => "a file connect.js, with app.use(connect)",
            Self::Flask => "a file connect.py, with app.register_blueprint(connect)",
            Self::Rails => {
                "a file app/controllers/connect_controller.rb, with get \"connect/sign-in\", to: \"connect#sign_in\" in config/routes.rb"
            }
        }
    }

    /// Prints the page and what the site needs beside it.
    pub(super) fn print(self) -> Result<(), Failed> {
        print(&format!(
            "
Give your site two environment variables:
  HALLPASS_URL=http://localhost:8080
  HALLPASS_HANDOVER_SECRET: the content of {SECRET}
Add this page to your site at /connect/sign-in, as {}.
Replace what belongs to the sample: how your site knows who is signed in and since when, and what it says of the person.

{}
When your site and this server run, `hallpass handover check` says whether the page is right.
docs/guide/handover.md explains each part.
",
            self.place(),
            self.page()
        ))
    }
}
