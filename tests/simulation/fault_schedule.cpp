#include "tests/simulation/fault_schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "storage/search_index.h"

namespace wharf::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

const char* name(Fault fault) {
  constexpr const char* names[] = {"reset",
                                   "silence",
                                   "stall",
                                   "bad_dials",
                                   "kill",
                                   "restart",
                                   "failed_turns",
                                   "full_disk",
                                   "slow_disk",
                                   "clock_jump",
                                   "lost_acks",
                                   "held_messages",
                                   "reordered",
                                   "duplicated",
                                   "corrupted",
                                   "refused_sends",
                                   "refused_iqs",
                                   "refused_usync",
                                   "refused_logins",
                                   "drained_prekeys",
                                   "kick",
                                   "media_errors",
                                   "media_wire",
                                   "lost_files",
                                   "phone_off",
                                   "withheld_receipts",
                                   "forgotten_ratchets",
                                   "damaged_ratchets",
                                   "reinstall",
                                   "restarted_session",
                                   "stopped_session",
                                   "log_out",
                                   "removed_chat",
                                   "device_added",
                                   "device_removed",
                                   "overtaken",
                                   "new_index",
                                   "lost_sender_keys",
                                   "lost_group_notices",
                                   "switched_addressing",
                                   "removed_by_others",
                                   "hidden_numbers"};
  static_assert(std::size(names) == static_cast<std::size_t>(Fault::count));
  return names[static_cast<std::size_t>(fault)];
}

FaultSchedule::FaultSchedule(World& world, Users& users, Ledger& ledger)
    : world_(world), users_(users), ledger_(ledger) {}

void FaultSchedule::later(milliseconds delay, std::function<void()> run) {
  world_.surroundings.after(delay, [this, run = std::move(run)] {
    if (!healed_) run();
  });
}

void FaultSchedule::note_trouble(Fault fault) {
  switch (fault) {
    case Fault::reset:
    case Fault::kill:
    case Fault::restart:
    case Fault::kick:
    case Fault::restarted_session:
    case Fault::stopped_session:
    case Fault::log_out:
    case Fault::device_removed: return world_.troubles.strike(world_.time.now());
    // Until look_around() sees them.
    case Fault::bad_dials:
    case Fault::failed_turns:
    case Fault::full_disk:
    case Fault::slow_disk:
    case Fault::clock_jump:
    case Fault::refused_iqs:
    case Fault::refused_logins:
    case Fault::media_errors:
    case Fault::media_wire: return world_.troubles.last(world_.time.now(), world_.time.now() + seconds(1));
    default: return;  // it ends nothing that a session is at
  }
}

void FaultSchedule::look_around() {
  const auto& daemon = world_.daemon;
  const auto& network = world_.network.faults();
  const auto& rules = world_.media->faults().rules();
  const bool media = std::any_of(rules.begin(), rules.end(), [](const sandbox::MediaFault& rule) {
    return rule.count > 0 && rule.on != sandbox::MediaWay::upload && rule.host != sandbox::MediaDoor::phones;
  });
  const bool wrong = !daemon.running() || daemon.disk != DiskFaults() || daemon.dials != DialFaults() ||
                     daemon.http != HttpFaults() || daemon.clock_error != milliseconds(0) ||
                     network.rate_limit_iqs > 0 || network.refuse_logins > 0 || media;
  world_.troubles.look(world_.time.now(), wrong);
}

void FaultSchedule::note(Fault fault, const std::string& what) {
  note_trouble(fault);
  done_.push_back(fmt::format("{:>12} {} {}", clock_text(world_.time.now()), name(fault), what));
  world_.trace.note("fault", fmt::format("{} {}", name(fault), what));
}

std::size_t FaultSchedule::any_owner() { return draw(static_cast<std::uint32_t>(owners_)); }

std::size_t FaultSchedule::any_contact() {
  return owners_ + draw(static_cast<std::uint32_t>(ledger_.persons.size() - owners_));
}

std::optional<sandbox::DeviceKey> FaultSchedule::companion(std::size_t person) {
  const auto devices = users_.phone(person).companions();
  if (devices.empty()) return std::nullopt;
  const std::uint16_t device = ledger_.gateways_of(person).size() < 2
                                   ? devices.back()
                                   : devices[world_.devices.below(static_cast<std::uint32_t>(devices.size()))];
  return sandbox::DeviceKey{ledger_.persons[person].number, device};
}

// --- the plan

void FaultSchedule::start() {
  owners_ = ledger_.gateways.size();
  for (int kind = 0; kind < static_cast<int>(Fault::count); ++kind) {
    const auto fault = static_cast<Fault>(kind);
    if (fault == Fault::clock_jump) {
      plan_clock();
      continue;
    }
    if (fault == Fault::device_added) {
      plan_devices();
      plan_overtaking();
      break;
    }
    const bool wanted = draw(2) == 0;
    // From every 8 s to every 4 minutes, evenly over the orders of magnitude.
    const auto mean = milliseconds(8'000u << draw(6));
    // What ends a device or an account's identity makes excuses for much: rarely, and never often.
    const bool heavy = fault == Fault::log_out || fault == Fault::reinstall;
    if (!wanted || (heavy && draw(3) != 0)) continue;
    on_.insert(fault);
    plan(fault, heavy ? mean + seconds(180) : mean);
  }
  if (world_.indexing.below(2) == 0) {
    on_.insert(Fault::new_index);
    plan_indexing(1 + world_.indexing.below(4));
  }
  if (users_.habits().grouping) plan_groups();
  world_.daemon.on_uploaded = [this] { on_uploaded(); };
  std::string kinds;
  for (const Fault fault : on_) kinds += std::string(" ") + name(fault);
  done_.push_back("kinds:" + kinds);
  world_.trace.note("fault", done_.back());
}

bool FaultSchedule::keeps_order() const {
  return std::none_of(on_.begin(), on_.end(), [](Fault fault) {
    switch (fault) {
      case Fault::lost_acks:
      case Fault::held_messages:
      case Fault::reordered:
      case Fault::corrupted:
      case Fault::refused_sends:
      case Fault::forgotten_ratchets:
      case Fault::damaged_ratchets:
      case Fault::reinstall:
      case Fault::log_out:
      case Fault::removed_chat:
      case Fault::device_added:
      case Fault::device_removed:
      case Fault::overtaken:
      case Fault::lost_sender_keys: return true;
      default: return false;
    }
  });
}

void FaultSchedule::plan(Fault fault, milliseconds mean) {
  const double uniform = (draw(1'000'000) + 1) / 1'000'001.0;
  later(milliseconds(static_cast<std::int64_t>(-std::log(uniform) * static_cast<double>(mean.count()))),
        [this, fault, mean] {
          strike(fault);
          plan(fault, mean);
        });
}

// Its draws are a stream of their own: with and without it, a seed has the same other faults.
void FaultSchedule::plan_clock() {
  if (world_.clocks.below(2) != 0) return;
  on_.insert(Fault::clock_jump);
  next_clock_jump(1 + world_.clocks.below(5));
}

void FaultSchedule::next_clock_jump(unsigned jumps) {
  auto& random = world_.clocks;
  if (jumps == 0) return;
  later(milliseconds(2'000 + random.below(60'000)), [this, &random, jumps] {
    next_clock_jump(jumps - 1);
    const milliseconds error = world_.daemon.clock_error;
    // Somebody may put it right in between.
    if (error != milliseconds(0) && random.below(3) == 0) return jump_clock(-error);
    const unsigned roll = random.below(10);
    milliseconds by(1 + random.below(60'000));
    if (roll >= 3) by *= 60;
    if (roll >= 6) by *= 24;
    if (roll == 9) by *= 3;
    if (random.below(2) == 0) by = -by;
    jump_clock(by);
  });
}

void FaultSchedule::jump_clock(milliseconds by) {
  // Three days each way: between any two moments less than the week for which texts are sent again when asked for.
  constexpr milliseconds most = std::chrono::hours(72), long_jump = std::chrono::hours(1);
  milliseconds& error = world_.daemon.clock_error;
  if ((by > long_jump || by < -long_jump) && users_.somebody_repeats())
    return later(seconds(1), [this, by] { jump_clock(by); });
  world_.clocks_jumped = true;
  const milliseconds before = std::exchange(error, std::clamp(error + by, -most, most));
  note(Fault::clock_jump, fmt::format("by {} ms, it is {} ms wrong", (error - before).count(), error.count()));
  users_.see_clock();
}

// As with the clock.
void FaultSchedule::plan_devices() {
  for (const Fault fault : {Fault::device_added, Fault::device_removed}) {
    if (world_.devices.below(2) != 0) continue;
    on_.insert(fault);
    next_device(fault, 1 + world_.devices.below(4));
  }
}

// As with the clock.
void FaultSchedule::plan_overtaking() {
  if (world_.kinds.below(2) != 0) return;
  on_.insert(Fault::overtaken);
  users_.overtaking(true);
}

void FaultSchedule::plan_indexing(unsigned times) {
  if (times == 0) return;
  later(milliseconds(5'000 + world_.indexing.below(90'000)), [this, times] {
    plan_indexing(times - 1);
    renew_index();
  });
}

// As if a search had met a damaged page. While it is made anew the daemon may die.
void FaultSchedule::renew_index() {
  if (!world_.daemon.running()) return;
  auto& store = world_.daemon.store();
  store.renew_search_index(storage::search_progress(store.reader()).number);
  note(Fault::new_index, "");
  if (world_.indexing.below(2) != 0) return;
  later(milliseconds(world_.indexing.below(40)), [this] {
    if (!world_.daemon.running()) return;
    note(Fault::kill, "while the index is made anew");
    world_.daemon.kill_for(milliseconds(world_.indexing.below(2'000)));
  });
}

// As with the clock.
void FaultSchedule::plan_groups() {
  auto& random = world_.group_faults;
  for (const Fault fault : {Fault::lost_sender_keys, Fault::lost_group_notices, Fault::switched_addressing,
                            Fault::removed_by_others, Fault::hidden_numbers}) {
    if (random.below(2) != 0) continue;
    on_.insert(fault);
    for (unsigned times = 1 + random.below(6); times > 0; --times)
      later(milliseconds(5'000 + random.below(150'000)), [this, fault] { on_group(fault); });
  }
}

void FaultSchedule::on_group(Fault fault) {
  auto& random = world_.group_faults;
  auto& faults = world_.network.faults();
  const unsigned few = 1 + random.below(3);
  switch (fault) {
    case Fault::lost_sender_keys: {
      if (random.below(2) == 0) {
        faults.lose_sender_keys = few;
        return note(fault, std::to_string(few));
      }
      const std::size_t person = random.below(static_cast<std::uint32_t>(ledger_.persons.size()));
      note(fault, "on the phone " + ledger_.persons[person].number);
      return users_.phone(person).forget_sender_keys();
    }
    case Fault::lost_group_notices:
      faults.lose_group_notifications = few;
      ledger_.groups.notices_lost = true;
      break;
    case Fault::switched_addressing: faults.switch_group_addressing = 1; break;
    case Fault::removed_by_others: faults.remove_group_member = 1; break;
    default: {
      faults.hide_group_numbers = true;
      const seconds held(5 + random.below(60));
      note(fault, fmt::format("for {} s", held.count()));
      return later(held, [this] { world_.network.faults().hide_group_numbers = false; });
    }
  }
  note(fault, std::to_string(few));
}

/// Who has missed a notification hears of it at the next login.
void FaultSchedule::drop_connections() {
  world_.troubles.strike(world_.time.now());
  for (const Person& person : ledger_.persons) {
    for (const std::uint16_t device : world_.phones.find(person.number)->companions())
      world_.network.kick({person.number, device}, "drop");
  }
}

void FaultSchedule::next_device(Fault fault, unsigned times) {
  if (times == 0) return;
  later(milliseconds(5'000 + world_.devices.below(120'000)), [this, fault, times] {
    next_device(fault, times - 1);
    fault == Fault::device_added ? add_device() : remove_device();
  });
}

void FaultSchedule::add_device() {
  constexpr std::size_t most = 4;  // as at WhatsApp
  const std::size_t person = world_.devices.below(static_cast<std::uint32_t>(owners_));
  if (ledger_.gateways_of(person).size() >= most) return;
  note(Fault::device_added, ledger_.persons[person].number);
  users_.add_gateway(person);
}

void FaultSchedule::remove_device() {
  auto& random = world_.devices;
  const auto gateway = random.below(static_cast<std::uint32_t>(ledger_.gateways.size()));
  if (ledger_.gateways[gateway].retired) return;
  constexpr const char* ways[] = {"unlinked", "logged out", "deleted"};
  const unsigned way = random.below(3);
  if (!users_.retire(gateway, static_cast<Users::End>(way))) return;
  note(Fault::device_removed, fmt::format("{} {}", ledger_.gateways[gateway].session, ways[way]));
  // A phone without any: it gets one again, or another.
  const std::size_t person = ledger_.gateways[gateway].person;
  later(milliseconds(1'000 + random.below(60'000)), [this, person] {
    if (ledger_.gateways_of(person).empty()) users_.add_gateway(person);
  });
}

void FaultSchedule::strike(Fault fault) {
  if (fault <= Fault::bad_dials) return on_connection(fault);
  if (fault <= Fault::slow_disk) return on_daemon(fault);
  if (fault <= Fault::kick) return on_server(fault);
  if (fault <= Fault::lost_files) return on_media(fault);
  if (fault <= Fault::reinstall) return on_phone(fault);
  on_session(fault);
}

void FaultSchedule::heal() {
  healed_ = true;
  done_.push_back(fmt::format("{:>12} all faults end", clock_text(world_.time.now())));
  world_.trace.note("fault", "all faults end");
  users_.overtaking(false);
  world_.network.faults() = sandbox::Faults();
  world_.network.release_held();
  world_.daemon.disk = DiskFaults();
  world_.daemon.dials = DialFaults();
  world_.daemon.http = HttpFaults();
  world_.media->faults().set({});
  // What nobody need notice stays wrong: the world has to come to rest with it.
  if (std::chrono::abs(world_.daemon.clock_error) > std::chrono::hours(12)) {
    world_.trace.note("fault", "the clock is put right");
    world_.daemon.clock_error = milliseconds(0);
    users_.see_clock();
  }
  if (!world_.daemon.running()) world_.daemon.start();
  if (on_.contains(Fault::lost_group_notices)) drop_connections();
  users_.start_all();
  for (sandbox::Phone* phone : world_.phones.all()) {
    phone->power(true);
    phone->deliver(true);
  }
}

// --- the kinds

void FaultSchedule::on_connection(Fault fault) {
  if (fault == Fault::bad_dials) {
    auto& dials = world_.daemon.dials;
    dials = {draw(60), draw(20), draw(40)};
    if (dials.refused + dials.hanging > 95) dials.hanging = 0;
    note(fault, fmt::format("refused {}% hanging {}% cut soon {}%", dials.refused, dials.hanging, dials.cut_soon));
    return later(seconds(5 + draw(60)), [this] { world_.daemon.dials = DialFaults(); });
  }
  if (!world_.daemon.running()) return;
  const auto links = world_.daemon.transport().links();
  if (links.empty()) return;
  const auto link = links[draw(static_cast<std::uint32_t>(links.size()))];
  if (fault == Fault::reset) {
    note(fault, fmt::format("link {}", link->number()));
    link->reset("cut");
  } else if (fault == Fault::silence) {
    note(fault, fmt::format("link {}", link->number()));
    link->go_silent();
    world_.troubles.silence(link);
  } else {
    const milliseconds held(100 + draw(40'000));
    note(fault, fmt::format("link {} for {} ms", link->number(), held.count()));
    link->stall(held);
    world_.troubles.last(world_.time.now(), world_.time.now() + held);
  }
}

void FaultSchedule::on_daemon(Fault fault) {
  auto& daemon = world_.daemon;
  if (!daemon.running()) return;
  switch (fault) {
    case Fault::kill: return kill_soon();
    case Fault::restart: note(fault, ""); return daemon.restart(milliseconds(draw(3'000)));
    case Fault::failed_turns:
      daemon.disk.failing_turns = 1 + draw(5);
      return note(fault, std::to_string(daemon.disk.failing_turns));
    case Fault::full_disk:
      daemon.disk.full = true;
      note(fault, "");
      return later(milliseconds(100 + draw(15'000)), [this] { world_.daemon.disk.full = false; });
    default:
      daemon.disk.slow_percent = 10 + draw(60);
      note(fault, fmt::format("{}% of the batches", daemon.disk.slow_percent));
      return later(seconds(1 + draw(20)), [this] { world_.daemon.disk.slow_percent = 0; });
  }
}

// Behind so many further entries of the queue: often in the middle of what one message causes.
void FaultSchedule::kill_soon() {
  const auto at = world_.time.entries_run() + draw(200);
  struct Count {
    FaultSchedule& self;
    std::uint64_t at;
    void operator()() const {
      if (self.healed_ || !self.world_.daemon.running()) return;
      if (self.world_.time.entries_run() < at) {
        // With the next entry of the world, whatever its time.
        const auto due = self.world_.time.next_due();
        const Micros wait = due ? *due - self.world_.time.now() : Micros(1'000);
        return self.world_.surroundings.after(wait, *this);
      }
      self.note(Fault::kill, "");
      self.world_.daemon.kill_for(milliseconds(self.draw(4) == 0 ? self.draw(60'000) : self.draw(2'000)));
    }
  };
  Count{*this, at}();
}

void FaultSchedule::on_server(Fault fault) {
  auto& faults = world_.network.faults();
  const unsigned few = 1 + draw(4);
  switch (fault) {
    case Fault::lost_acks: faults.drop_acks = few; break;
    case Fault::held_messages: {
      faults.hold_messages = true;
      const seconds held(1 + draw(20));
      note(fault, fmt::format("for {} s", held.count()));
      return later(held, [this] {
        world_.network.faults().hold_messages = false;
        world_.network.release_held();
      });
    }
    case Fault::reordered: faults.reorder = 1 + few; break;
    case Fault::duplicated: faults.duplicate_deliveries = few; break;
    case Fault::corrupted: faults.corrupt_messages = 1 + draw(3); break;
    case Fault::refused_sends: faults.rate_limit_sends = 1 + draw(3); break;
    // Now and then so many that several chats wait at the same time, each for its own while.
    case Fault::refused_iqs: faults.rate_limit_iqs = draw(3) == 0 ? 5 * few : few; break;
    case Fault::refused_usync: faults.rate_limit_usync = draw(3) == 0 ? 10 * few : few; break;
    case Fault::refused_logins: faults.refuse_logins = few; break;
    case Fault::drained_prekeys: {
      const std::size_t person = any_person();
      const auto device = draw(2) == 0 ? companion(person) : sandbox::DeviceKey{ledger_.persons[person].number, 0};
      if (!device) return;
      world_.network.drain_prekeys(*device);
      return note(fault, fmt::format("{}:{}", device->phone, device->device));
    }
    default: {
      const auto device = companion(any_owner());
      if (!device) return;
      constexpr const char* ways[] = {"515", "503", "replaced", "drop"};
      const char* how = ways[draw(4)];
      note(fault, fmt::format("{}:{} {}", device->phone, device->device, how));
      return world_.network.kick(*device, how);
    }
  }
  note(fault, std::to_string(few));
}

sandbox::MediaFault FaultSchedule::media_error() {
  using sandbox::MediaWay;
  sandbox::MediaFault error;
  constexpr unsigned of_uploads[] = {500, 503, 507, 401, 429, 413}, of_downloads[] = {500, 503, 404, 410, 403, 429};
  error.on = draw(2) == 0 ? MediaWay::upload : MediaWay::download;
  error.what =
      static_cast<sandbox::MediaFault::What>(draw(static_cast<std::uint32_t>(sandbox::MediaFault::What::slow) + 1));
  error.status = (error.on == MediaWay::upload ? of_uploads : of_downloads)[draw(6)];
  error.bytes = draw(2) == 0 ? draw(64) : draw(100'000);
  error.bytes_per_second = 500 + draw(50'000);
  error.count = 1 + draw(6);
  const unsigned door = draw(10);
  if (door < 2) error.host = sandbox::MediaDoor::fallback;
  else if (door < 4) error.host = sandbox::MediaDoor::primary;
  else if (door == 4) error.host = sandbox::MediaDoor::phones;
  return error;
}

void FaultSchedule::on_media(Fault fault) {
  if (fault == Fault::media_wire) {
    world_.daemon.http = {draw(50), draw(20), draw(60)};
    const HttpFaults& http = world_.daemon.http;
    note(fault, fmt::format("refused {}% hanging {}% cut {}%", http.refused, http.hanging, http.cut));
    return later(seconds(5 + draw(60)), [this] { world_.daemon.http = HttpFaults(); });
  }
  if (fault == Fault::lost_files) {
    const auto files = world_.media_store.list(0, 1'000);
    if (files.empty()) return;
    const auto& file = files[draw(static_cast<std::uint32_t>(files.size()))];
    world_.lost_files.insert(file.hash);
    note(fault, fmt::format("{} bytes", file.bytes));
    (void)(draw(2) == 0 ? world_.media_store.forget(file.id) : world_.media_store.expire(file.id));
    return;
  }
  if (draw(6) == 0) {
    note(fault, "the upload tokens are over");
    return world_.network.expire_media_auth();
  }
  std::vector<sandbox::MediaFault> errors{media_error()};
  if (draw(2) == 0) errors.push_back(media_error());
  std::string told;
  for (const auto& error : errors) {
    if (error.host == sandbox::MediaDoor::phones) world_.phones_failed = true;
    told += fmt::format(" {}x{} {}", error.count, static_cast<int>(error.what), error.status);
  }
  note(fault, told);
  world_.media->faults().set(std::move(errors));
}

// The turn that hears of it fails now and then, or the daemon dies about then.
void FaultSchedule::on_uploaded() {
  if (healed_) return;
  if (on_.contains(Fault::failed_turns) && world_.kinds.below(8) == 0) {
    world_.daemon.disk.failing_turns = std::max(world_.daemon.disk.failing_turns, 1u);
    note(Fault::failed_turns, "behind an upload");
  } else if (on_.contains(Fault::kill) && world_.kinds.below(8) == 0) {
    later(milliseconds(0), [this] { kill_soon(); });
  }
}

void FaultSchedule::on_phone(Fault fault) {
  const std::size_t person = any_person();
  auto& phone = users_.phone(person);
  const std::string& number = ledger_.persons[person].number;
  switch (fault) {
    case Fault::phone_off: {
      const milliseconds off(100 + draw(60'000));
      note(fault, fmt::format("{} for {} ms", number, off.count()));
      phone.power(false);
      return later(off, [&phone] { phone.power(true); });
    }
    case Fault::withheld_receipts: {
      const milliseconds held(100 + draw(30'000));
      note(fault, fmt::format("{} for {} ms", number, held.count()));
      phone.deliver(false);
      return later(held, [&phone] { phone.deliver(true); });
    }
    case Fault::forgotten_ratchets:
    case Fault::damaged_ratchets: {
      const std::string& peer = ledger_.persons[any_person()].number;
      note(fault, fmt::format("{} with {}", number, peer));
      return fault == Fault::forgotten_ratchets ? phone.forget_sessions(peer) : phone.corrupt_sessions(peer);
    }
    default: {
      const std::size_t contact = any_contact();
      note(fault, ledger_.persons[contact].number);
      return users_.reinstall(contact);
    }
  }
}

void FaultSchedule::on_session(Fault fault) {
  const auto gateway = users_.any_gateway(any_owner());
  if (!gateway) return;
  const std::string session = ledger_.gateways[*gateway].session;
  switch (fault) {
    case Fault::restarted_session: note(fault, session); return users_.restart(*gateway);
    case Fault::stopped_session: {
      const milliseconds pause(500 + draw(30'000));
      note(fault, fmt::format("{} for {} ms", session, pause.count()));
      return users_.stop_for(*gateway, pause);
    }
    case Fault::log_out: note(fault, session); return users_.log_out(*gateway);
    default: {
      const std::size_t other = any_person();
      if (other == ledger_.gateways[*gateway].person) return;
      note(fault, fmt::format("{} with {}", session, ledger_.persons[other].number));
      return users_.remove_chat(*gateway, other);
    }
  }
}

}  // namespace wharf::simulation
