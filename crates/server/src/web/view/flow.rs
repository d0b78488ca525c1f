//! The requests of an app from the person to the refresh, with the app's own values, in curl, Python and JavaScript.

use super::words::Message;
use url::form_urlencoded::Serializer;

/// The values of an app and its server that the requests name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flow<'a> {
    /// The URL of the authorization endpoint.
    pub authorization_url: &'a str,
    /// The URL of the token endpoint.
    pub token_url: &'a str,
    /// The URL of the identity endpoint, as an API to call.
    pub identity_url: &'a str,
    /// The client ID.
    pub client_id: &'a str,
    /// Whether the app has a secret.
    pub confidential: bool,
    /// The first redirect URI; `None` where people copy the code.
    pub redirect_uri: Option<&'a str>,
    /// The scopes that the app may ask for, separated by spaces.
    pub scope: &'a str,
    /// Whether the app sends a code challenge (RFC 7636).
    pub pkce: bool,
}

/// A request or a program on the page.
pub(super) struct Example {
    pub(super) id: &'static str,
    title: Message,
    text: Option<Message>,
    pub(super) code: String,
}

impl Example {
    fn new(id: &'static str, title: Message, code: String) -> Self {
        let text = None;
        Self { id, title, text, code }
    }

    pub(super) fn title(&self) -> Message {
        self.title
    }

    pub(super) fn text(&self) -> Option<Message> {
        self.text
    }
}

/// Where the value of a parameter comes from.
enum Value<'a> {
    /// The app's own.
    Own(&'a str),
    /// An environment variable.
    Variable(&'static str),
}

type Parameters<'a> = Vec<(&'static str, Value<'a>)>;

impl<'a> Flow<'a> {
    /// The four requests.
    pub(super) fn steps(&self) -> [Example; 4] {
        let ask = Example::new("ask-request", Message("flow-ask"), self.ask());
        [
            Example {
                text: Some(Message("flow-ask-text")),
                ..ask
            },
            Example::new("token-request", Message("flow-exchange"), self.exchange()),
            Example::new("call-request", Message("flow-call"), self.call()),
            Example::new("refresh-request", Message("flow-refresh"), self.refresh()),
        ]
    }

    /// The requests but the first, as programs.
    pub(super) fn programs(&self) -> [Example; 2] {
        [
            Example::new("python-program", Message("flow-python"), self.python()),
            Example::new("javascript-program", Message("flow-javascript"), self.javascript()),
        ]
    }

    /// Where the person's browser is sent (RFC 6749 §4.1.1). `STATE` and `CHALLENGE` are new for each person.
    fn ask(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("response_type", "code");
        query.append_pair("client_id", self.client_id);
        if let Some(uri) = self.redirect_uri {
            query.append_pair("redirect_uri", uri);
        }
        if !self.scope.is_empty() {
            query.append_pair("scope", self.scope);
        }
        let mut url = format!("{}?{}&state=STATE", self.authorization_url, query.finish());
        if self.pkce {
            url.push_str("&code_challenge=CHALLENGE&code_challenge_method=S256");
        }
        url
    }

    /// A code exchange by curl, safe to paste into a POSIX shell.
    fn exchange(&self) -> String {
        self.curl(&self.exchanged())
    }

    /// A call of the identity endpoint by curl.
    fn call(&self) -> String {
        format!(
            "curl {} \\\n  -H \"Authorization: Bearer $ACCESS_TOKEN\"",
            quoted(self.identity_url)
        )
    }

    /// A refresh by curl.
    fn refresh(&self) -> String {
        self.curl(&self.refreshed())
    }

    /// Exchange, call and refresh in Python 3, with its own library.
    fn python(&self) -> String {
        let variable = |name: &str| format!("os.environ[\"{name}\"]");
        let tokens = |name: &str| format!("tokens[\"{}\"]", name.to_ascii_lowercase());
        let post = |parameters: &Parameters<'_>, of: &dyn Fn(&str) -> String| {
            let lines = parameters.iter().map(|(name, value)| match value {
                Value::Own(text) => format!("    {name}={},\n", literal(text)),
                Value::Variable(name_of) => format!("    {name}={},\n", of(name_of)),
            });
            format!("post(\n{})", lines.collect::<String>())
        };
        let refreshed = |name: &str| match name {
            "REFRESH_TOKEN" => tokens(name),
            name => variable(name),
        };
        format!(
            "import json, os\nfrom urllib.parse import urlencode\nfrom urllib.request import Request, urlopen\n\n\
             def post(**fields):\n    with urlopen({token}, urlencode(fields).encode()) as answer:\n        \
             return json.load(answer)\n\n\
             tokens = {exchange}\n\
             call = Request({identity}, headers={{\"Authorization\": \"Bearer \" + tokens[\"access_token\"]}})\n\
             print(urlopen(call).read().decode())\n\
             tokens = {refresh}\n",
            token = literal(self.token_url),
            identity = literal(self.identity_url),
            exchange = post(&self.exchanged(), &variable),
            refresh = post(&self.refreshed(), &refreshed),
        )
    }

    /// The same in JavaScript, for Node 18 and later.
    fn javascript(&self) -> String {
        let post = |parameters: &Parameters<'_>| {
            let lines = parameters.iter().map(|(name, value)| match value {
                Value::Own(text) => format!("  {name}: {},\n", literal(text)),
                Value::Variable("REFRESH_TOKEN") => format!("  {name}: tokens.refresh_token,\n"),
                Value::Variable(variable) => format!("  {name}: process.env.{variable},\n"),
            });
            format!("await post({{\n{}}})", lines.collect::<String>())
        };
        format!(
            "async function post(fields) {{\n  const body = new URLSearchParams(fields);\n  \
             const answer = await fetch({token}, {{ method: \"POST\", body }});\n  \
             if (!answer.ok) throw new Error(await answer.text());\n  return answer.json();\n}}\n\n\
             let tokens = {exchange};\n\
             const headers = {{ Authorization: `Bearer ${{tokens.access_token}}` }};\n\
             const call = await fetch({identity}, {{ headers }});\n\
             console.log(await call.text());\n\
             tokens = {refresh};\n",
            token = literal(self.token_url),
            identity = literal(self.identity_url),
            exchange = post(&self.exchanged()),
            refresh = post(&self.refreshed()),
        )
    }

    /// The parameters of a code exchange (RFC 6749 §4.1.3).
    fn exchanged(&self) -> Parameters<'a> {
        let mut parameters = self.authenticated("authorization_code");
        parameters.push(("code", Value::Variable("CODE")));
        if let Some(uri) = self.redirect_uri {
            parameters.push(("redirect_uri", Value::Own(uri)));
        }
        if self.pkce {
            parameters.push(("code_verifier", Value::Variable("VERIFIER")));
        }
        parameters
    }

    /// The parameters of a refresh (RFC 6749 §6).
    fn refreshed(&self) -> Parameters<'a> {
        let mut parameters = self.authenticated("refresh_token");
        parameters.push(("refresh_token", Value::Variable("REFRESH_TOKEN")));
        parameters
    }

    fn authenticated(&self, grant_type: &'static str) -> Parameters<'a> {
        let mut parameters = vec![
            ("grant_type", Value::Own(grant_type)),
            ("client_id", Value::Own(self.client_id)),
        ];
        if self.confidential {
            parameters.push(("client_secret", Value::Variable("SECRET")));
        }
        parameters
    }

    fn curl(&self, parameters: &Parameters<'_>) -> String {
        let mut lines = vec![format!("curl {}", quoted(self.token_url))];
        lines.extend(parameters.iter().map(|(name, value)| match value {
            Value::Own(text) => format!("--data-urlencode {}", quoted(&format!("{name}={text}"))),
            Value::Variable(variable) => format!("--data-urlencode \"{name}=${variable}\""),
        }));
        lines.join(" \\\n  ")
    }
}

/// A text in a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text in Python and JavaScript: both read JSON's strings.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_quote_in_a_value_cannot_leave_its_shell_word() {
        assert_eq!(super::quoted("a'; rm b"), r"'a'\''; rm b'");
    }

    #[test]
    fn texts_are_literals_in_python_and_javascript() {
        assert_eq!(super::literal("a\"\\\n'"), r#""a\"\\\n'""#);
    }
}
