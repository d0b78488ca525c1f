//! The world of a demo whose people sign in at a site: the section of the configuration, and the people who belong to the site.

use super::DemoError;
use super::addresses::{Addresses, public_url};
use super::folder::Folder;
use crate::random;

/// The file of the secret that site and server share, in the data folder.
pub(super) const SECRET: &str = "handover.secret";
/// The sample third-party developer, who has an account at the server itself.
const DEVELOPER: &str = "dev@acme.example";
/// The site's ids of its people begin here.
const FIRST_PERSON: u32 = 1_001;
/// The site that signs people in.
pub(super) struct Handover {
    /// The page that signs a person in at the server.
    pub(super) sign_in: String,
    /// The page that signs a person out.
    pub(super) sign_out: Option<String>,
    /// Whether it is the sample site, which has the people of the world.
    pub(super) is_sample: bool,
}

impl Handover {
    /// The declared objects of a world, with the section of the handover. Makes the secret unless the folder has one.
    pub(super) fn declared(
        &self,
        declared: &str,
        preset: &str,
        addresses: Addresses,
        folder: &Folder,
    ) -> Result<String, DemoError> {
        let secret = folder.path().join(SECRET);
        if !secret.exists() {
            folder.write(SECRET, &format!("{}\n", random::alphanumeric(43)))?;
        }
        let sign_out = self.sign_out.iter().map(|url| format!("sign_out = {url:?}\n"));
        let sign_out: String = sign_out.collect();
        Ok(format!(
            "preset = {preset:?}\n\n{}\n# The site signs its people in.\n[handover]\nurl = {:?}\n{sign_out}secret_file = {secret:?}\n\
             roles = [\"member\", \"owner\"]\n\n[server]\npublic_url = {:?}\ndata = {:?}\n",
            self.objects(declared),
            self.sign_in,
            public_url(addresses.server),
            folder.path(),
        ))
    }

    /// The objects: the people of the sample site get its ids, and people of every organization can connect the apps.
    fn objects(&self, declared: &str) -> String {
        let mut person = FIRST_PERSON;
        let mut text = String::new();
        for object in declared.split("\n\n").map(str::trim_end) {
            let mut object = object.to_owned();
            if self.is_sample && object.contains("[[users]]") && !object.contains(DEVELOPER) {
                object = object.replace("password = \"{{password}}\"", &format!("external_id = \"{person}\""));
                person += 1;
            }
            if object.contains("[[apps]]") && !object.contains("\norganization = ") {
                object += "\nreach = \"partner\"";
            }
            text += &format!("{object}\n\n");
        }
        text
    }
}
