//! The people, apps and organizations of a test's world. The people are in every world.

/// A person who can log in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    /// The login name.
    pub(crate) email: &'static str,
    /// The password.
    pub(crate) password: &'static str,
}

/// John Doe, who reads Dutch. He is the first person, so his numeric id is 1. He and Mary are developers.
pub(crate) const JOHN: Person = Person {
    email: "john@doe.com",
    password: "correct horse battery",
};

/// Mary Major, who reads English.
pub(crate) const MARY: Person = Person {
    email: "mary@example.com",
    password: "staple of the battery",
};

/// The people of every world. Their hashes cost little, because hundreds of tests start a server and sign in.
pub(super) const PEOPLE: &str = r#"
[[users]]
email = "john@doe.com"
name = "John Doe"
password_hash = "$argon2id$v=19$m=8,t=1,p=1$am9obnMgc2FsdCAxNmJ5dA$Il4UUk2hjlPz1ilj0cCTje74Wr0NZLASCyFzzh//YMc"
locale = "nl"
developer = true

[[users]]
email = "mary@example.com"
name = "Mary Major"
password_hash = "$argon2id$v=19$m=8,t=1,p=1$bWFyeXMgc2FsdCAxNmJ5dA$ILUfFdczNoslOMxWFBpow+Pr637qwB9MMK/AUMxAINw"
locale = "en"
developer = true
"#;

/// The secret of every declared app without another one, long enough to count as random.
pub(crate) const SECRET: &str = "a-secret-of-43-characters-as-hallpass-makes";

/// The redirect URI of the app `sample`.
pub(crate) const REDIRECT_URI: &str = "https://app.example/callback";

/// The API that introspects tokens in [`APPS`].
pub(crate) const RESOURCE: &str = "https://api.example";

/// Two scopes in addition to the preset's, three apps and an API. `sample`, which belongs to John, and `other` are
/// confidential; `native` is public.
pub(crate) const APPS: &str = r#"
[scopes.read]
title = "Read your things"
[scopes.write]
title = "Change your things"

[[apps]]
name = "Sample App"
owner = "john@doe.com"
client_id = "sample"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://app.example/callback"]

[[apps]]
name = "Other App"
client_id = "other"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://other.example/callback"]

[[apps]]
name = "Native App"
client_id = "native"
type = "public"
redirect_uris = ["http://127.0.0.1/callback", "com.example.native:/callback"]

[[resources]]
identifier = "https://api.example"
name = "The API"
secret = "a-secret-of-43-characters-as-hallpass-makes"
"#;

/// Acme, where John is an owner and Max a member; Globex, a sandbox, where Mary is a developer; one app of each, with
/// Mary's in Globex. Max is not a developer.
pub(crate) const TENANTS: &str = r#"
[[users]]
email = "max@example.com"
name = "Max Member"
password = "only a member of it"

[[organizations]]
slug = "acme"
name = "Acme Kitchens"
members = ["john@doe.com:owner", "max@example.com:member"]

[[organizations]]
slug = "globex"
name = "Globex Test Kitchen"
kind = "sandbox"
members = ["mary@example.com:developer"]

[[apps]]
name = "Acme Reports"
organization = "acme"
client_id = "acme-reports"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://acme.example/callback"]

[[apps]]
name = "Globex Trials"
organization = "globex"
owner = "mary@example.com"
client_id = "globex-trials"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://globex.example/callback"]

[[apps]]
name = "Partner Sync"
organization = "globex"
client_id = "partner-sync"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://partner.example/callback"]
reach = "partner"
"#;
