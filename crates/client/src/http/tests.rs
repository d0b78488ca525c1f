use std::future::Future;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A server that hands each connection to `serve`, and its address.
async fn server<F, S>(serve: S) -> String
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    format!("http://{address}/token")
}

/// Reads one request without a body.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

async fn answer(mut stream: TcpStream, text: &'static str) {
    read_head(&mut stream).await;
    stream.write_all(text.as_bytes()).await.unwrap();
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

fn client() -> HttpClient {
    HttpClient::builder().without_native_roots().build().unwrap()
}

async fn send(url: &str) -> Result<Response<Bytes>, HttpError> {
    client().send(get(url)).await
}

#[tokio::test]
async fn the_whole_answer_comes_back_whatever_its_status() {
    let url = server(|stream| answer(stream, "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}")).await;
    let answer = send(&url).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (400, &b"{}"[..]));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let text = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
    let url = server(move |stream| answer(stream, text)).await;
    assert_eq!(send(&url).await.unwrap().status(), 307);
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let client = client();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..2 {
            read_head(&mut stream).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await
                .unwrap();
        }
    });
    for _ in 0..2 {
        assert_eq!(client.send(get(&url)).await.unwrap().body(), "ok");
    }
    serving.await.unwrap();
}

#[tokio::test]
async fn a_refused_connection_cannot_have_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = send(&url).await.unwrap_err();
    assert!(matches!(error, HttpError::NotSent(_)), "{error:?}");
    assert!(!error.may_have_counted());
}

#[tokio::test]
async fn an_answer_that_never_comes_may_have_counted() {
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"] {
        let url = server(move |stream| answer(stream, begun)).await;
        let error = send(&url).await.unwrap_err();
        assert!(matches!(error, HttpError::Unanswered(_)), "{error:?}");
        assert!(error.may_have_counted());
    }
}

#[tokio::test]
async fn a_server_that_is_silent_is_left_after_the_timeout_and_may_have_acted() {
    let url = server(|mut stream| async move {
        read_head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let client = HttpClient::builder()
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let error = client.send(get(&url)).await.unwrap_err();
    assert!(matches!(error, HttpError::Unanswered(_)), "{error:?}");
}

#[tokio::test]
async fn a_handshake_that_never_ends_cannot_have_counted() {
    let url = server(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let url = url.replace("http://", "https://");
    for (connect, total) in [(200, 20_000), (20_000, 200)] {
        let client = HttpClient::builder()
            .connect_timeout(Duration::from_millis(connect))
            .timeout(Duration::from_millis(total))
            .build()
            .unwrap();
        let error = client.send(get(&url)).await.unwrap_err();
        assert!(matches!(error, HttpError::NotSent(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_long_answer_is_cut_off_with_and_without_its_length() {
    let long = "x".repeat(2_000);
    let body: &'static str = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{long}").leak();
    let length: &'static str = format!("HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n{long}").leak();
    for text in [body, length] {
        let url = server(move |stream| answer(stream, text)).await;
        let client = HttpClient::builder().max_body_bytes(1_999).build().unwrap();
        let error = client.send(get(&url)).await.unwrap_err();
        assert_eq!(error, HttpError::TooLarge { limit: 1_999 });
    }
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let url = server(|mut stream| async move {
        read_head(&mut stream).await;
        let line = format!("x: {}\r\n", "y".repeat(1_000));
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while sent.is_ok() {
            sent = stream.write_all(line.as_bytes()).await;
        }
    })
    .await;
    let error = send(&url).await.unwrap_err();
    assert!(matches!(error, HttpError::Unanswered(_)), "{error:?}");
}

#[tokio::test]
async fn plain_http_stays_on_this_machine() {
    // An address of this machine that is not loopback: nobody answers there, and nobody is asked.
    let Some(outside) = own_address().await else { return };
    let listener = TcpListener::bind((outside, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let error = send(&url).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not connect: plain http leads to another machine: use https"
    );
    let allowed = HttpClient::builder().allow_plain_http().build().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        }
    });
    assert_eq!(allowed.send(get(&url)).await.unwrap().status(), 200);
}

/// The address of an interface, found without sending anything.
async fn own_address() -> Option<std::net::IpAddr> {
    let socket = tokio::net::UdpSocket::bind("0.0.0.0:0").await.ok()?;
    socket.connect("192.0.2.1:9").await.ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[tokio::test]
async fn a_target_with_credentials_or_another_scheme_is_refused() {
    for url in ["http://user:word@127.0.0.1/", "ftp://127.0.0.1/", "/token"] {
        let error = send(url).await.unwrap_err();
        assert!(matches!(error, HttpError::Target(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_program_may_bring_its_own_transport() {
    struct Closed;
    impl Transport for Closed {
        fn send(&self, _: Request<Bytes>) -> TransportFuture<'_> {
            Box::pin(async { Err(HttpError::not_sent("closed")) })
        }
    }
    let client = HttpClient::over(Arc::new(Closed));
    let error = client.send(get("http://127.0.0.1/")).await.unwrap_err();
    assert_eq!(error, HttpError::not_sent("closed"));
    let error = client.send(get("/token")).await.unwrap_err();
    assert!(
        matches!(error, HttpError::Target(_)),
        "addresses are checked first: {error:?}"
    );
}
