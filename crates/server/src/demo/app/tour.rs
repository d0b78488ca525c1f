//! The guided tour of a desk: five stops, each reached with one button.

/// A stop of the tour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    Connect,
    Call,
    Expire,
    Refresh,
    End,
}

/// The stops that a desk has reached since it was last connected.
#[derive(Clone, Copy, Default)]
pub(super) struct Tour([bool; 5]);

impl Stop {
    pub(super) const ALL: [Self; 5] = [Self::Connect, Self::Call, Self::Expire, Self::Refresh, Self::End];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connect => "Connect",
            Self::Call => "Call",
            Self::Expire => "Expire",
            Self::Refresh => "Refresh",
            Self::End => "End",
        }
    }

    /// What to do to reach this stop.
    pub(super) fn task(self) -> &'static str {
        match self {
            Self::Connect => {
                "Connect the app. You are asked to log in, with one of the logins below, and to allow access."
            }
            Self::Call => "The app has tokens now. Let it call the API for the person.",
            Self::Expire => {
                "Now let the access token expire. Nobody has to wait: the clock of the demo goes forward, and you stay signed in."
            }
            Self::Refresh => {
                "The access token has expired. Refresh it; or call the API again: the app checks the expiry first, and refreshes by itself."
            }
            Self::End => {
                "The app has a new access token. End its access: disconnect it here, or end it as the person under connected apps and call again."
            }
        }
    }
}

impl Tour {
    /// Starts again with a connected app.
    pub(super) fn start(&mut self) {
        *self = Self::default();
        self.reach(Stop::Connect);
    }

    pub(super) fn reach(&mut self, stop: Stop) {
        self.0[stop as usize] = true;
    }

    pub(super) fn has_reached(self, stop: Stop) -> bool {
        self.0[stop as usize]
    }

    /// The stop to go to next. Without tokens only Connect can follow. `None` after a complete tour.
    pub(super) fn next(self, connected: bool) -> Option<Stop> {
        let open = Stop::ALL.into_iter().find(|stop| !self.has_reached(*stop))?;
        Some(if connected { open } else { Stop::Connect })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tour_goes_from_stop_to_stop_and_ends() {
        let mut tour = Tour::default();
        assert_eq!(tour.next(false), Some(Stop::Connect));
        tour.start();
        for stop in [Stop::Call, Stop::Expire, Stop::Refresh, Stop::End] {
            assert_eq!(tour.next(true), Some(stop));
            tour.reach(stop);
        }
        assert_eq!(tour.next(false), None);
        tour.start();
        assert_eq!(tour.next(true), Some(Stop::Call));
    }

    #[test]
    fn access_that_ends_early_leads_back_to_connect() {
        let mut tour = Tour::default();
        tour.start();
        tour.reach(Stop::End);
        assert_eq!(tour.next(false), Some(Stop::Connect));
    }
}
