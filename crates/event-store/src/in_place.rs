//! A store without a thread of its own.

use crate::error::Error;
use crate::settings::StoreSettings;
use crate::store::Store;
use std::path::Path;
use std::sync::Arc;

impl Store {
    /// Opens a store like [`open`](Self::open), to be written by the future rather than by a thread, and read where it is
    /// used: in a simulation, where nothing is to depend on how fast a disk is. `before_writing` is waited for before each
    /// transaction. Whoever drops the future ends the store as the death of its process would: what is not written is lost.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is in use, has several names, or is not a store.
    pub fn open_in_place<W, F>(
        path: &Path,
        settings: StoreSettings,
        before_writing: W,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<W, F>), Error>
    where
        W: Fn() -> F + Send,
        F: Future<Output = ()> + Send,
    {
        let (mut store, mut writer, mut commands) = Self::opened(path, settings)?;
        store.is_in_place = true;
        let changed = Arc::clone(&store.changed);
        let written = async move {
            let mut closing = None;
            while closing.is_none()
                && let Some(first) = commands.recv().await
            {
                before_writing().await;
                closing = writer.take(first, &mut commands, &changed);
            }
            writer.end(commands, closing);
        };
        Ok((store, written))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::event::{CompleteEvent, MessageKey};
    use std::time::Duration;

    fn event(id: &str) -> CompleteEvent {
        CompleteEvent::new(r#"{"type":"track"}"#.to_owned(), MessageKey::of("key", id))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_written_when_the_writer_ends_is_lost_and_time_is_that_of_the_clock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        let start = tokio::time::Instant::now();
        let mut settings = StoreSettings::new();
        settings.clock = Clock::new(move || Duration::from_secs(7) + start.elapsed());
        let pause = || tokio::time::sleep(Duration::from_secs(2));
        let (store, written) = Store::open_in_place(&path, settings.clone(), pause).unwrap();
        let writer = tokio::spawn(written);
        store.accept(vec![event("a")]).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        let pending = store.queue().unwrap().pending(0, 9).unwrap();
        assert_eq!(pending.iter().map(|event| event.at).collect::<Vec<_>>(), [9_000]);
        let second = tokio::spawn({
            let store = store.clone();
            async move { store.accept(vec![event("b")]).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        writer.abort();
        assert!(second.await.unwrap().is_err());
        let (store, written) = Store::open_in_place(&path, settings, pause).unwrap();
        let writer = tokio::spawn(written);
        assert_eq!(store.queue().unwrap().status().unwrap().events, 1);
        store.close().await;
        writer.await.unwrap();
    }
}
