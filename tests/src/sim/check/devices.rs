//! What the server holds of each device's numbered batches is what was committed.

use functions::sync::items::device_batches::to_device_batches;
use functions::sync::keys;
use model::Model;
use protocol::ids::Room;

use crate::sim::storage;
use crate::sim::world::World;

pub(crate) fn check(world: &World, room: &Room, model: &Model) {
    let wrong = |what: String| world.log.violation("devices", format!("{room}: {what}"));
    let items = storage::partition(world.network.tables(), &keys::room(room));
    let devices = items.iter().filter_map(|item| Some((keys::device_of(storage::key(item, "sk"))?, item)));
    let mut expected = model.rooms.get(room).map(|room| room.numbers.clone()).unwrap_or_default();
    for (device, item) in devices {
        let numbers = expected.remove(device.as_str()).unwrap_or_default();
        let Ok(found) = to_device_batches(item) else {
            wrong(format!("the numbers of {device} cannot be read"));
            continue;
        };
        let found: Vec<_> = found.ranges.iter().map(|range| Some((range.first, range.last))).collect();
        let ends = |run: &std::collections::BTreeSet<u64>| Some((*run.first()?, *run.last()?));
        let committed: Vec<_> = numbers.runs.iter().map(ends).collect();
        if found != committed {
            wrong(format!("the numbers of {device} are {found:?}, and {committed:?} were committed"));
        }
    }
    for device in expected.keys() {
        wrong(format!("the numbers of {device} are missing"));
    }
}
