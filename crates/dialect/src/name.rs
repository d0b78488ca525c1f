/// The servers that are imitated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DialectName {
    /// The RFCs and nothing else.
    Standard,
    /// bshaffer/oauth2-server-php.
    Oauth2ServerPhp,
    /// Laravel Passport over league/oauth2-server 9.
    Passport,
    /// django-oauth-toolkit.
    Django,
    /// Apigee's `OAuthV2` policy.
    Apigee,
}

impl DialectName {
    /// Every dialect.
    pub const ALL: &'static [Self] = &[
        Self::Standard,
        Self::Oauth2ServerPhp,
        Self::Passport,
        Self::Django,
        Self::Apigee,
    ];

    /// The word for it in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Oauth2ServerPhp => "oauth2-server-php",
            Self::Passport => "passport",
            Self::Django => "django",
            Self::Apigee => "apigee",
        }
    }
}
