//! A cut-off primary that does not know it: it answers reads, and its commits wait for a standby that has become the
//! primary. One node still uses it.

use crate::Outcome;
use crate::faults::dice::Dice;
use crate::nodes::proxy::{Proxy, Weather};
use crate::nodes::{DATABASE, Deployment, SETTINGS, address};
use hallpass_cluster::Cluster;
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

/// The primary's setting to acknowledge only changes that the standby has.
pub(super) const PRIMARY: [&str; 1] = ["synchronous_standby_names=*"];

/// The standby, and its connection to the primary.
pub(super) struct Split {
    standby: Cluster,
    way: Proxy,
}

impl Split {
    /// Makes a standby of the deployment's database.
    pub(super) async fn prepare(deployment: &Deployment, folder: &Path) -> Outcome<Self> {
        let way = Proxy::start(address(&deployment.cluster)).await?;
        let settings = [&SETTINGS[..], &["synchronous_standby_names="]].concat();
        let (port, folder) = (way.address.port(), folder.join("standby"));
        let standby = tokio::task::block_in_place(|| deployment.cluster.standby(&folder, port, &settings))?;
        Ok(Self { standby, way })
    }

    /// Cuts the primary off and promotes the standby. All nodes but one switch to it.
    pub(super) async fn begin(&self, deployment: &Deployment, left: usize, dice: &mut Dice) -> Outcome<String> {
        self.way.weather(Weather::Lost);
        let waited = dice.within(Duration::from_millis(2500));
        sleep(waited).await;
        self.standby.sql(DATABASE, "SELECT pg_promote()")?;
        for (_, proxy) in deployment.proxies.iter().enumerate().filter(|(node, _)| *node != left) {
            proxy.aim(address(&self.standby));
        }
        Ok(format!("{} ms before it was noticed, ", waited.as_millis()))
    }

    /// Ends the old primary. All nodes use the new one.
    pub(super) fn end(self, deployment: &mut Deployment) -> Outcome {
        for proxy in &deployment.proxies {
            proxy.aim(address(&self.standby));
        }
        let mut old = std::mem::replace(&mut deployment.cluster, self.standby);
        Ok(old.kill()?)
    }
}
