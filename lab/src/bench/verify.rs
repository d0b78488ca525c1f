//! What a check of an access token costs an API that uses `hallpass-resource`: asked, kept, and as a JWT.
//!
//! The figure is the processor time of this process, which is the API. Nothing else runs in it during a measurement.

use super::report::{Report, median};
use super::{Bench, SMALL, asked};
use crate::deployment::{Deployment, Engine};
use crate::generate::generate;
use crate::process::Program;
use crate::world::{RESOURCE, RESOURCE_SECRET, World};
use crate::{Outcome, tree};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_resource::{Algorithm, BearerToken, Builder, Fetch, FetchFuture, HttpClient, Verifier};
use hallpass_wire::jose::{SigningKey, sign};
use http::{Request, Response, Uri};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The issuer of a deployment, whatever its port ([`World::lasts`]).
const ISSUER: &str = "https://id.example";

/// Measures each way in turns, and the server's part of the introspection.
pub(super) async fn verify(options: &Bench, engine: Engine, folder: &Path, report: &mut Report) -> Outcome {
    let mut deployment = Deployment::make(&options.hallpass, folder, engine, 1)?;
    deployment.worlds().iter_mut().for_each(World::lasts);
    let generated = generate(&deployment, SMALL, 0).await?;
    let running = deployment.serve()?;
    let server = running.first()?;
    let tokens = asked::access_tokens(server, &generated, 0..1).await?;
    let token = tokens.first().ok_or("there is no token")?;
    let mut ways = vec![
        Way::new("introspection, asked", introspecting(server.address)?.build()?, token),
        Way::new("introspection, kept", keeping(server.address).await?, token),
    ];
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
        let key = key(algorithm)?;
        let claims = json!({
            "iss": ISSUER, "aud": RESOURCE, "exp": 4_000_000_000_i64, "iat": 1_800_000_000, "jti": "a1b2c3d4e5f6",
            "sub": "019aaf3e-7f2c-7000-8000-000000000000", "client_id": "lab", "scope": "read"
        });
        let keys = Arc::new(Keys(key.public_jwks()));
        let builder = Verifier::builder(ISSUER).audience(RESOURCE).jwt().jwks_uri(ISSUER);
        let verifier = builder.fetch_with(keys).build()?;
        ways.push(Way::new(
            &format!("JWT, {algorithm}"),
            verifier,
            &sign(&key, "at+jwt", &claims)?,
        ));
    }
    for round in 0..=options.rounds {
        for way in &mut ways {
            way.turn(Duration::from_secs(options.seconds), server, round > 0)
                .await?;
        }
    }
    for way in ways {
        report.line(&way.line());
    }
    Ok(())
}

/// A way to check tokens, and the µs of each turn: of the API, and of the server.
struct Way {
    name: String,
    verifier: Verifier,
    token: String,
    api: Vec<f64>,
    server: Vec<f64>,
}

impl Way {
    fn new(name: &str, verifier: Verifier, token: &str) -> Self {
        Self {
            name: name.to_owned(),
            verifier,
            token: token.to_owned(),
            api: Vec::new(),
            server: Vec::new(),
        }
    }

    async fn turn(&mut self, time: Duration, server: &Program, counts: bool) -> Outcome {
        let token = BearerToken::parse(&self.token).ok_or("not a token")?;
        let (start, own, theirs) = (Instant::now(), tree::own_cpu()?, server.cpu()?);
        let mut checks = 0_u32;
        while start.elapsed() < time {
            // The clock is read once for many checks.
            for _ in 0..100 {
                self.verifier.verify(token).await?;
            }
            checks += 100;
        }
        // The times of a thread that has ended are known only to a hundredth of a second: a difference may be negative.
        let each = |used: Duration| used.as_secs_f64() * 1e6 / f64::from(checks);
        if counts {
            self.api.push(each(tree::own_cpu()?.saturating_sub(own)));
            self.server.push(each(server.cpu()?.saturating_sub(theirs)));
        }
        Ok(())
    }

    fn line(self) -> String {
        let (api, server) = (median(self.api), median(self.server));
        format!(
            "check of a token, {}: {api:.1} µs CPU at the API, {server:.1} µs at the server",
            self.name
        )
    }
}

fn introspecting(server: SocketAddr) -> Outcome<Builder> {
    let fetch = Arc::new(Redirected {
        client: HttpClient::builder().without_native_roots().build()?,
        server,
    });
    let builder = Verifier::builder(ISSUER).audience(RESOURCE).fetch_with(fetch);
    let endpoint = format!("{ISSUER}/oauth/introspect");
    Ok(builder
        .introspection(RESOURCE, RESOURCE_SECRET)
        .introspection_endpoint(&endpoint))
}

async fn keeping(server: SocketAddr) -> Outcome<Verifier> {
    let verifier = introspecting(server)?.follow_feed().build()?;
    verifier.ready().await?;
    Ok(verifier)
}

/// Sends every request to a server on this machine, whatever its issuer is called.
struct Redirected {
    client: HttpClient,
    server: SocketAddr,
}

impl Fetch for Redirected {
    fn fetch(&self, mut request: Request<Vec<u8>>) -> FetchFuture {
        let path = request.uri().path_and_query().map_or("/", |rest| rest.as_str());
        if let Ok(uri) = format!("http://{}{path}", self.server).parse::<Uri>() {
            *request.uri_mut() = uri;
        }
        self.client.fetch(request)
    }
}

/// An issuer that has only keys.
struct Keys(String);

impl Fetch for Keys {
    fn fetch(&self, _: Request<Vec<u8>>) -> FetchFuture {
        let body = self.0.clone().into_bytes();
        Box::pin(std::future::ready(Ok(Response::new(body))))
    }
}

fn key(algorithm: Algorithm) -> Outcome<SigningKey> {
    let der = match algorithm {
        Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?
            .to_pkcs8v1()?
            .as_ref()
            .to_vec(),
        Algorithm::EdDsa => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
        _ => KeyPair::generate(KeySize::Rsa2048)?.as_der()?.as_ref().to_vec(),
    };
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
        STANDARD.encode(der)
    );
    Ok(SigningKey::from_pem(&pem, algorithm, Some("lab"))?)
}
