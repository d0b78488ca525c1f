//! The way to PostgreSQL: verified up to the server's name, or not taken.

use super::*;
use hallpass_cluster::{Certificates, Cluster, folder_of_test};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_server_is_known_by_its_certificate_or_not_spoken_to() {
    let certificates = Certificates::make(&folder_of_test("tls-certificates"), "DNS:localhost").unwrap();
    let stranger = Certificates::make(&folder_of_test("tls-stranger"), "DNS:localhost").unwrap();
    let settings = certificates.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).chain(["fsync=off"]).collect();
    let cluster = Cluster::start(&folder_of_test("tls"), &settings).unwrap();
    let only_tls = "hostssl all all 127.0.0.1/32 trust\nhostnossl all all 127.0.0.1/32 reject\n";
    cluster.admit(only_tls).unwrap();
    let (authority, other) = (certificates.authority(), stranger.authority());
    let (authority, other) = (authority.display(), other.display());
    let open = async |host: &str, options: &str| {
        let url = cluster.url("postgres").replace("127.0.0.1", host);
        tried(&Database::Elsewhere(format!("{url}?{options}"))).await
    };
    for options in [
        format!("sslmode=verify-full&sslrootcert={authority}"),
        format!("sslrootcert={authority}"),
    ] {
        let store = open("localhost", &options).await.unwrap();
        store.migrate().await.unwrap();
        let secret = "SELECT COUNT(*) > 0, BOOL_AND(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                      WHERE application_name = 'hallpass'";
        assert_eq!(cluster.sql("postgres", secret).unwrap(), "t|t");
    }
    for (host, options, told) in [
        (
            "127.0.0.1",
            format!("sslmode=verify-full&sslrootcert={authority}"),
            "certificate",
        ),
        (
            "localhost",
            format!("sslmode=verify-full&sslrootcert={other}"),
            "certificate",
        ),
        (
            "localhost",
            "sslmode=verify-full&sslrootcert=/absent.pem".to_owned(),
            "/absent.pem",
        ),
        ("localhost", "sslmode=disable".to_owned(), "pg_hba.conf"),
    ] {
        let refused = open(host, &options).await.err().map(|error| error.to_string());
        let refused = refused.unwrap_or_else(|| panic!("{host} {options} was taken"));
        assert!(refused.contains(told), "{options}: {refused}");
    }
}
