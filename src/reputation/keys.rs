//! Everything that is kept of keys, in two tables: of senders and campaigns there are many, most of which are seldom asked for.
//! Accounts and what stands in texts are few, most messages have one, and all of them fit into the processor's caches; they
//! stand apart, where no flood of senders or texts gets between them, or in the place of one.

use super::key::Kind;
use super::settings::Settings;
use super::state::Known;
use super::table::{Fill, Table};

/// Of so many entries one is for accounts, domains and phones.
const NEAR: usize = 8;

#[derive(Debug)]
pub(super) struct Keys {
    many: Table<Known>,
    few: Table<Known>,
}

impl Keys {
    pub fn new(settings: &Settings) -> Self {
        let few = settings.entries_max / NEAR;
        let octets = settings.octets_max / 8;
        Self { many: Table::new(settings.entries_max - few, octets), few: Table::new(few, octets) }
    }

    /// Where keys of a kind are.
    #[inline]
    pub fn of(&self, kind: Kind) -> &Table<Known> {
        match kind {
            Kind::Account | Kind::Domain | Kind::Phone => &self.few,
            Kind::Sender | Kind::Recipient | Kind::Campaign | Kind::Range => &self.many,
        }
    }

    pub fn shards(&self) -> usize {
        self.few.shards() + self.many.shards()
    }

    /// Looks at every entry of one shard, which waits meanwhile.
    pub fn for_each(&self, shard: usize, look: impl FnMut(u64, &Known)) {
        match shard.checked_sub(self.few.shards()) {
            None => self.few.for_each(shard, look),
            Some(shard) => self.many.for_each(shard, look),
        }
    }

    pub fn fill(&self) -> Fill {
        let (few, many) = (self.few.fill(), self.many.fill());
        Fill {
            entries: few.entries + many.entries,
            room: few.room + many.room,
            octets: few.octets + many.octets,
            heap: few.heap + many.heap,
            evicted: few.evicted + many.evicted,
            refused: few.refused + many.refused,
        }
    }
}
