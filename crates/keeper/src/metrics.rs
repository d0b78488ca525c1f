//! Counts for Prometheus. The labels are few: endpoints, outcomes, and providers of the configuration.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

type Labels = Vec<(&'static str, String)>;
type Counts = Family<Labels, Counter>;

/// What the keeper counts. A clone counts into the same place.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    requests: Counts,
    tokens: Counts,
    events: Counts,
    webhooks: Counts,
    refreshes: Counts,
    skews: Family<Labels, Gauge<f64, AtomicU64>>,
}

impl Metrics {
    /// A request and the status of its answer.
    pub(crate) fn request(&self, endpoint: &'static str, status: u16) {
        let labels = vec![("endpoint", endpoint.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
    }

    /// A token that was asked for.
    pub(crate) fn token(&self, provider: &str, outcome: &str) {
        let labels = vec![("provider", provider.to_owned()), ("outcome", outcome.to_owned())];
        self.tokens.get_or_create(&labels).inc();
    }

    /// A refresh that was sent.
    pub(crate) fn refresh(&self, provider: &str, outcome: &str) {
        let labels = vec![("provider", provider.to_owned()), ("outcome", outcome.to_owned())];
        self.refreshes.get_or_create(&labels).inc();
    }

    /// How far a provider's clock is ahead of the keeper's, in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "below 2^53 milliseconds nothing is lost")]
    pub(crate) fn skew(&self, provider: &str, millis: i64) {
        let labels = vec![("provider", provider.to_owned())];
        self.skews.get_or_create(&labels).set(millis as f64 / 1000.0);
    }

    /// An event of a connection.
    pub(crate) fn event(&self, provider: &str, kind: &str) {
        let labels = vec![("provider", provider.to_owned()), ("kind", kind.to_owned())];
        self.events.get_or_create(&labels).inc();
    }

    /// An attempt to deliver a webhook.
    pub(crate) fn webhook(&self, outcome: &str) {
        self.webhooks
            .get_or_create(&vec![("outcome", outcome.to_owned())])
            .inc();
    }

    /// The text of `/metrics`, in the OpenMetrics format, with the counts of the providers that the caller may use and those
    /// that are of no provider.
    pub(crate) fn text(&self, allows: impl Fn(&str) -> bool) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("hallpass_keeper");
        let families = [
            ("requests", "Requests of programs", &self.requests),
            ("tokens", "Access tokens that were asked for", &self.tokens),
            ("events", "Events of connections", &self.events),
            ("refreshes", "Refreshes that were sent to providers", &self.refreshes),
            ("webhooks", "Attempts to deliver an event", &self.webhooks),
        ];
        for (name, help, family) in families {
            registry.register(name, help, family.clone());
        }
        let help = "How far the clocks of providers are ahead of the keeper's";
        registry.register_with_unit("clock_skew", help, Unit::Seconds, self.skews.clone());
        let mut text = String::new();
        encode(&mut text, &registry)?;
        let is_shown = |line: &&str| provider(line).is_none_or(&allows);
        Ok(text.split_inclusive('\n').filter(is_shown).collect())
    }
}

/// The provider of a line, which stands first among the labels. The names of providers hold nothing that is escaped.
fn provider(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("{provider=\"")?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_sees_the_counts_of_its_providers_alone() {
        let metrics = Metrics::default();
        for provider in ["shop", "crm", ""] {
            metrics.token(provider, "given");
            metrics.refresh(provider, "refreshed");
            metrics.event(provider, "paused");
            metrics.skew(provider, -1500);
        }
        metrics.request("token", 200);
        let all = metrics.text(|_| true).unwrap();
        assert_eq!(all.matches("provider=").count(), 12, "{all}");
        let own = metrics.text(|provider| provider == "shop").unwrap();
        assert_eq!(own.matches("provider=\"shop\"").count(), 4, "{own}");
        assert_eq!(own.matches("provider=").count(), 4, "{own}");
        let skew = "hallpass_keeper_clock_skew_seconds{provider=\"shop\"} -1.5\n";
        assert!(own.contains(skew), "{own}");
        assert!(own.contains("endpoint=\"token\"") && own.ends_with("# EOF\n"), "{own}");
    }
}
