//! An instance of the transformer, and its store.

use super::intercom::{Intercom, Life, Line};
use crate::rudder_server::{Day, Way};
use event_store::{Clock, Keeper, QueueStatus, Store, StoreSettings};
use intercom_delivery::AttributePolicy;
use intercom_delivery::client::Client;
use intercom_transformer::{DeliverBy, Instances, Settings, Transformer};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long the store takes to write, in milliseconds, at most.
const LONGEST_WRITE: u64 = 20;

/// A transformer that lives.
pub(super) struct Instance {
    transformer: Transformer,
    switch: watch::Sender<bool>,
    store: Option<(Store, JoinHandle<()>)>,
}

/// How the instances of a day are set up.
pub(super) struct Setup {
    settings: Settings,
    /// Where the stores are, if they have any.
    stores: Option<TempDir>,
}

impl Setup {
    pub(super) fn new(day: &Day, instances: usize) -> io::Result<Self> {
        let mut settings = Settings::new();
        settings.deliver = match day.way {
            Way::Here => DeliverBy::Here,
            Way::Returned | Way::Proxied => DeliverBy::RudderServer,
        };
        if instances == 1 {
            settings.instances = Instances::One;
        }
        if day.lacks_attribute {
            settings.on_undefined = AttributePolicy::Create;
        }
        let in_memory = Path::new("/dev/shm");
        let stores = match (day.has_stores, in_memory.is_dir()) {
            (false, _) => None,
            (true, true) => Some(tempfile::tempdir_in(in_memory)?),
            (true, false) => Some(tempfile::tempdir()?),
        };
        Ok(Self { settings, stores })
    }

    fn store(&self, at: usize) -> Option<PathBuf> {
        Some(self.stores.as_ref()?.path().join(format!("{at}.db")))
    }

    /// Starts an instance, with what is in its store.
    pub(super) fn start(&self, at: usize, intercom: &Arc<Intercom>) -> Result<Instance, event_store::Error> {
        let (switch, life) = watch::channel(false);
        let client = Client::in_process(Line {
            intercom: Arc::clone(intercom),
            life,
        });
        let mut transformer = Transformer::over(client, self.settings.clone());
        let mut store = None;
        if let Some(path) = self.store(at) {
            let mut settings = StoreSettings::new();
            settings.keeper = Keeper::Transformer;
            let first_look = settings.awaiting.first_look;
            let clock = Arc::clone(intercom);
            settings.clock = Clock::new(move || clock.now());
            let disk = Arc::clone(intercom);
            let before_writing = move || tokio::time::sleep(disk.chance(1..LONGEST_WRITE));
            let (opened, written) = Store::open_in_place(&path, settings, before_writing)?;
            transformer = transformer.with_store(opened.clone(), first_look);
            store = Some((opened, tokio::spawn(written)));
        }
        Ok(Instance {
            transformer,
            switch,
            store,
        })
    }
}

impl Instance {
    pub(super) fn transformer(&self) -> &Transformer {
        &self.transformer
    }

    pub(super) fn life(&self) -> Life {
        self.switch.subscribe()
    }

    /// What is in its store.
    pub(super) fn stored(&self) -> Result<QueueStatus, event_store::Error> {
        match &self.store {
            Some((store, _)) => store.queue()?.status(),
            None => Ok(QueueStatus::default()),
        }
    }

    /// Ends it where it is.
    pub(super) async fn kill(self) {
        self.switch.send_replace(true);
        if let Some((_, writer)) = self.store {
            writer.abort();
            // It is cancelled: that is no failure.
            let _ = writer.await;
            // What goes on in the process of a real one ends with it.
            self.transformer.close_store().await;
        }
    }
}
