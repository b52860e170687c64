//! `context`: what an SDK knows about the circumstances of an event.
//!
//! Source: RudderStack's event specification, "Common fields", and what its SDKs send.

use crate::model::object_model;
use crate::object::Object;
use std::borrow::Cow;

object_model! {
    /// The circumstances of an event.
    pub struct Context<'a> {
        /// What is known of the person; the browser SDK sends the traits of an identify only here.
        traits: Object<'a> = "traits" eager,
        /// The application.
        app: App<'a> = "app",
        /// The device.
        device: Device<'a> = "device",
        /// The operating system.
        os: Os<'a> = "os",
        /// The network.
        network: Network<'a> = "network",
        /// The SDK that made the event.
        library: Library<'a> = "library",
        /// The campaign that led to the event, from the UTM parameters.
        campaign: Campaign<'a> = "campaign",
        /// The page on which the event happened.
        page: Page<'a> = "page",
        /// The screen of the device.
        screen: Screen<'a> = "screen",
        /// The language tag, such as `en-US`.
        locale: Cow<'a, str> = "locale",
        /// The time zone, such as `Europe/Vienna` or `GMT+0000`.
        timezone: Cow<'a, str> = "timezone",
        /// The browser's user agent.
        user_agent: Cow<'a, str> = "userAgent",
        /// The IP address.
        ip: Cow<'a, str> = "ip",
        /// Ids that other systems have for the person.
        external_id: Vec<ExternalId<'a>> = "externalId",
        /// Where the event comes from, for warehouse (reverse ETL) events.
        sources: Sources<'a> = "sources",
        /// Whether a reverse ETL source has mapped the fields to the destination's names already.
        mapped_to_destination: bool = "mappedToDestination",
        /// The session, numbered by its start in milliseconds.
        session_id: i64 = "sessionId",
        /// Whether the event starts a session.
        session_start: bool = "sessionStart",
    }

    /// The application that an event happened in.
    pub struct App<'a> {
        /// Its name.
        name: Cow<'a, str> = "name",
        /// Its version.
        version: Cow<'a, str> = "version",
        /// Its build.
        build: Cow<'a, str> = "build",
        /// Its reverse-DNS name.
        namespace: Cow<'a, str> = "namespace",
        /// How the browser SDK was installed: `npm` or `cdn`.
        install_type: Cow<'a, str> = "installType",
    }

    /// The device that an event happened on.
    pub struct Device<'a> {
        /// Its id.
        id: Cow<'a, str> = "id",
        /// Who made it.
        manufacturer: Cow<'a, str> = "manufacturer",
        /// Its model.
        model: Cow<'a, str> = "model",
        /// Its name.
        name: Cow<'a, str> = "name",
        /// Its type, such as `Android`.
        kind: Cow<'a, str> = "type",
        /// Its push token.
        token: Cow<'a, str> = "token",
        /// Its advertising id.
        advertising_id: Cow<'a, str> = "advertisingId",
        /// Whether its owner allows advertising to be tracked.
        ad_tracking_enabled: bool = "adTrackingEnabled",
        /// iOS: the state of App Tracking Transparency, 0 to 3.
        att_tracking_status: i64 = "attTrackingStatus",
    }

    /// An operating system.
    pub struct Os<'a> {
        /// Its name.
        name: Cow<'a, str> = "name",
        /// Its version.
        version: Cow<'a, str> = "version",
    }

    /// The network that a device is on.
    pub struct Network<'a> {
        /// Whether Bluetooth is on.
        bluetooth: bool = "bluetooth",
        /// The mobile carrier.
        carrier: Cow<'a, str> = "carrier",
        /// Whether mobile data is on.
        cellular: bool = "cellular",
        /// Whether it is on a wireless network.
        wifi: bool = "wifi",
    }

    /// The SDK that made an event.
    pub struct Library<'a> {
        /// Its name.
        name: Cow<'a, str> = "name",
        /// Its version.
        version: Cow<'a, str> = "version",
        /// How the browser SDK was built.
        variant: Cow<'a, str> = "variant",
    }

    /// A campaign, from the UTM parameters of a page's address.
    pub struct Campaign<'a> {
        /// `utm_campaign`
        name: Cow<'a, str> = "name",
        /// `utm_source`
        source: Cow<'a, str> = "source",
        /// `utm_medium`
        medium: Cow<'a, str> = "medium",
        /// `utm_term`
        term: Cow<'a, str> = "term",
        /// `utm_content`
        content: Cow<'a, str> = "content",
    }

    /// A web page.
    pub struct Page<'a> {
        /// The path of its address.
        path: Cow<'a, str> = "path",
        /// The address that led to it, or `$direct`.
        referrer: Cow<'a, str> = "referrer",
        /// The host of the address that led to it.
        referring_domain: Cow<'a, str> = "referring_domain",
        /// The query of its address.
        search: Cow<'a, str> = "search",
        /// Its title.
        title: Cow<'a, str> = "title",
        /// Its canonical address.
        url: Cow<'a, str> = "url",
        /// Its address as the browser shows it.
        tab_url: Cow<'a, str> = "tab_url",
        /// The address that led to the session's first page.
        initial_referrer: Cow<'a, str> = "initial_referrer",
        /// The host of the address that led to the session's first page.
        initial_referring_domain: Cow<'a, str> = "initial_referring_domain",
    }

    /// The screen of a device.
    pub struct Screen<'a> {
        /// Width in pixels.
        width: f64 = "width",
        /// Height in pixels.
        height: f64 = "height",
        /// Device pixels for each CSS pixel, or dots per inch on Android.
        density: f64 = "density",
        /// Width of the page's area.
        inner_width: f64 = "innerWidth",
        /// Height of the page's area.
        inner_height: f64 = "innerHeight",
    }

    /// An id that another system has for the person.
    pub struct ExternalId<'a> {
        /// Which system, and for reverse ETL which object: `INTERCOM-contact`.
        kind: Cow<'a, str> = "type",
        /// The id.
        id: Cow<'a, str> = "id",
        /// What sort of id it is, for reverse ETL: `email`.
        identifier_type: Cow<'a, str> = "identifierType",
    }

    /// Which run of which warehouse source made the event.
    pub struct Sources<'a> {
        /// The job.
        job_id: Cow<'a, str> = "job_id",
        /// The run of the job.
        job_run_id: Cow<'a, str> = "job_run_id",
        /// The task.
        task_id: Cow<'a, str> = "task_id",
        /// The run of the task.
        task_run_id: Cow<'a, str> = "task_run_id",
        /// The batch.
        batch_id: Cow<'a, str> = "batch_id",
        /// The version of the source.
        version: Cow<'a, str> = "version",
    }
}
