
#include <array>

#include "storage/apply.h"
#include "storage/peers.h"
#include "storage/removal.h"
#include "storage/secret_blob.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

// Ratchets of an earlier epoch count as absent: storage/continuity.h.
#define CURRENT_EPOCH "(SELECT ratchet_epoch FROM continuity WHERE id = 1)"
constexpr const char* select_ratchet = "SELECT record FROM ratchet WHERE key = " WHARF_DEVICE_KEY(?1) " AND epoch = " CURRENT_EPOCH;
constexpr const char* replace_ratchet =
    "INSERT OR REPLACE INTO ratchet (key, record, epoch) VALUES (" WHARF_DEVICE_KEY(?1) ", ?2, " CURRENT_EPOCH ")";
constexpr const char* delete_ratchet = "DELETE FROM ratchet WHERE key = " WHARF_DEVICE_KEY(?1);
#undef CURRENT_EPOCH
constexpr const char* move_ratchet = "UPDATE OR REPLACE ratchet SET key = " WHARF_DEVICE_KEY(?2) " WHERE key = " WHARF_DEVICE_KEY(?1);

constexpr const char* select_identity = "SELECT public FROM identity WHERE key = " WHARF_DEVICE_KEY(?1);
constexpr const char* replace_identity = "INSERT OR REPLACE INTO identity (key, public) VALUES (" WHARF_DEVICE_KEY(?1) ", ?2)";
constexpr const char* move_identity = "UPDATE OR IGNORE identity SET key = " WHARF_DEVICE_KEY(?2) " WHERE key = " WHARF_DEVICE_KEY(?1);
constexpr const char* delete_identity = "DELETE FROM identity WHERE key = " WHARF_DEVICE_KEY(?1);

constexpr const char* select_devices_of = "SELECT id, device, integrator FROM jid WHERE user = ?1 AND server = ?2";

constexpr const char* select_lid = "SELECT lid_id FROM lid_of WHERE key = ?1";
constexpr const char* select_pn = "SELECT pn_id FROM pn_of WHERE key = ?1";
constexpr const char* replace_lid = "INSERT OR REPLACE INTO lid_of (key, lid_id) VALUES (?1, ?2)";
constexpr const char* replace_pn = "INSERT OR REPLACE INTO pn_of (key, pn_id) VALUES (?1, ?2)";
constexpr const char* delete_lid = "DELETE FROM lid_of WHERE key = ?1";
constexpr const char* delete_pn = "DELETE FROM pn_of WHERE key = ?1";

constexpr const char* select_device_list =
    "SELECT devices, raw_id, fetched_at, listed_at FROM device_list WHERE key = " WHARF_DEVICE_KEY(?1);
constexpr const char* replace_device_list =
    "INSERT OR REPLACE INTO device_list (key, devices, raw_id, fetched_at, listed_at) VALUES (" WHARF_DEVICE_KEY(?1) ", ?2, ?3, ?4, ?5)";
constexpr const char* age_list = "UPDATE device_list SET fetched_at = 0 WHERE key = " WHARF_DEVICE_KEY(?1);
constexpr const char* delete_device_list = "DELETE FROM device_list WHERE key = " WHARF_DEVICE_KEY(?1);

/// A user's devices stand at two servers: its own and, for Cloud API devices, the hosted one (01 section 6).
std::string_view hosted_server(const Jid& user) {
  if (user.is_phone_number()) return protocol::server::hosted;
  if (user.is_lid()) return protocol::server::hosted_lid;
  return {};
}

struct KnownDevice {
  std::int64_t jid_id;
  std::uint16_t device;
  std::uint16_t integrator;
};
std::vector<KnownDevice> known_devices(Database& db, std::string_view user, std::string_view server) {
  std::vector<KnownDevice> devices;
  Statement select(db, select_devices_of);
  select.text(user).text(server);
  while (select.next()) {
    const std::int64_t id = select.integer();
    const auto device = select.number<std::uint16_t>();
    devices.push_back({id, device, select.number<std::uint16_t>()});
  }
  return devices;
}

bool has_row(Database& db, const char* select, SessionId session, std::int64_t jid_id) {
  Statement statement(db, select);
  return statement.key(session, jid_id).next();
}

Result<void> move_device(Database& db, SessionId session, std::int64_t from, const Jid& to) {
  // Most JIDs of the user never had keys in this session: no rows of table jid for nothing.
  if (has_row(db, select_ratchet, session, from)) {
    const Result<void> moved = Statement(db, move_ratchet).key(session, from).key(session, to).run();
    if (!moved) return moved;
  }
  if (has_row(db, select_identity, session, from)) {
    const Result<void> moved = Statement(db, move_identity).key(session, from).key(session, to).run();
    if (!moved) return moved;
    return Statement(db, delete_identity).key(session, from).run();
  }
  return {};
}

Result<void> move_server(Database& db, SessionId session, const Jid& from, std::string_view from_server, const Jid& to,
                         std::string_view to_server) {
  for (const KnownDevice& known : known_devices(db, from.user, from_server)) {
    Jid target(to.user, to_server, known.device);
    target.integrator = known.integrator;
    if (Result<void> moved = move_device(db, session, known.jid_id, target); !moved) return moved;
  }
  return {};
}

Result<void> forget_server(Database& db, SessionId session, std::string_view user, std::string_view server) {
  for (const KnownDevice& known : known_devices(db, user, server)) {
    if (Result<void> gone = Statement(db, delete_ratchet).key(session, known.jid_id).run(); !gone) return gone;
    if (Result<void> gone = Statement(db, delete_identity).key(session, known.jid_id).run(); !gone) return gone;
  }
  return {};
}

std::optional<std::int64_t> mapped(Database& db, const char* sql, SessionId session, const Jid& from) {
  Statement select(db, sql);
  if (!select.key(session, from).next()) return std::nullopt;
  return select.integer();
}

Result<void> write_lid(Database& db, SessionId session, const Jid& pn, const Jid& lid) {
  const std::optional<std::int64_t> old_lid = mapped(db, select_lid, session, pn);
  const std::optional<std::int64_t> old_pn = mapped(db, select_pn, session, lid);
  Result<std::int64_t> pn_id = jid_id(db, pn);
  if (!pn_id) return pn_id.error();
  Result<std::int64_t> lid_id = jid_id(db, lid);
  if (!lid_id) return lid_id.error();
  if (old_lid == *lid_id && old_pn == *pn_id) return {};
  if (old_lid && *old_lid != *lid_id) {
    if (Result<void> gone = Statement(db, delete_pn).key(session, *old_lid).run(); !gone) return gone;
  }
  if (old_pn && *old_pn != *pn_id) {
    if (Result<void> gone = Statement(db, delete_lid).key(session, *old_pn).run(); !gone) return gone;
  }
  if (Result<void> put = Statement(db, replace_lid).key(session, *pn_id).integer(*lid_id).run(); !put) return put;
  return Statement(db, replace_pn).key(session, *lid_id).integer(*pn_id).run();
}

}  // namespace

// --- ratchets and identities

std::optional<protocol::Bytes> find_ratchet(Database& db, SessionId session, const protocol::Jid& device) {
  Statement select(db, select_ratchet);
  if (!select.key(session, device).next()) return std::nullopt;
  return select.blob();
}

Result<void> apply(Database& db, const PutRatchet& change) {
  return Statement(db, replace_ratchet).key(change.session, change.device).blob(change.record).run();
}

Result<void> apply(Database& db, const RemoveRatchet& change) {
  return Statement(db, delete_ratchet).key(change.session, change.device).run();
}

Result<void> apply(Database& db, const MigrateUser& change) {
  if (change.from.user == change.to.user && change.from.server == change.to.server) return {};
  const Result<void> moved =
      move_server(db, change.session, change.from, change.from.server, change.to, change.to.server);
  const std::string_view from_hosted = hosted_server(change.from), to_hosted = hosted_server(change.to);
  if (!moved || from_hosted.empty() || to_hosted.empty()) return moved;
  return move_server(db, change.session, change.from, from_hosted, change.to, to_hosted);
}

std::optional<protocol::PublicKey> find_identity(Database& db, SessionId session, const protocol::Jid& device) {
  Statement select(db, select_identity);
  if (!select.key(session, device).next()) return std::nullopt;
  return protocol::exactly<32>(select.blob_view());
}

Result<void> apply(Database& db, const PutIdentity& change) {
  return Statement(db, replace_identity).key(change.session, change.device).blob(change.key).run();
}

Result<void> apply(Database& db, const ForgetUserKeys& change) {
  const Result<void> forgotten = forget_server(db, change.session, change.user.user, change.user.server);
  const std::string_view hosted = hosted_server(change.user);
  if (!forgotten || hosted.empty()) return forgotten;
  return forget_server(db, change.session, change.user.user, hosted);
}

// --- phone number <-> LID

std::optional<protocol::Jid> find_lid(Database& db, SessionId session, const protocol::Jid& pn) {
  const std::optional<std::int64_t> id = mapped(db, select_lid, session, pn);
  if (!id) return std::nullopt;
  return jid_of(db, *id);
}

std::optional<protocol::Jid> find_pn(Database& db, SessionId session, const protocol::Jid& lid) {
  const std::optional<std::int64_t> id = mapped(db, select_pn, session, lid);
  if (!id) return std::nullopt;
  return jid_of(db, *id);
}

Result<void> apply(Database& db, const PutLid& change) { return write_lid(db, change.session, change.pn, change.lid); }

// --- device lists

std::optional<DeviceListRow> find_device_list(Database& db, SessionId session, const protocol::Jid& user) {
  Statement select(db, select_device_list);
  if (!select.key(session, user).next()) return std::nullopt;
  DeviceListRow row;
  const ByteView devices = select.blob_view();
  for (std::size_t i = 0; i + 1 < devices.size(); i += 2) {
    row.devices.push_back(static_cast<std::uint16_t>(devices[i] << 8 | devices[i + 1]));
  }
  row.raw_id = select.number<std::uint32_t>();
  row.fetched_at = select.integer();
  row.listed_at = select.number<std::uint64_t>();
  return row;
}

Result<void> apply(Database& db, const PutDeviceList& change) {
  Bytes devices;
  devices.reserve(change.row.devices.size() * 2);
  for (const std::uint16_t device : change.row.devices) {
    devices.push_back(static_cast<std::uint8_t>(device >> 8));
    devices.push_back(static_cast<std::uint8_t>(device & 0xff));
  }
  return Statement(db, replace_device_list)
      .key(change.session, change.user)
      .blob(devices)
      .number(change.row.raw_id)
      .integer(change.row.fetched_at)
      .number(change.row.listed_at)
      .run();
}

Result<void> apply(Database& db, const AgeDeviceList& change) {
  return Statement(db, age_list).key(change.session, change.user).run();
}

Result<void> apply(Database& db, const RemoveDeviceList& change) {
  return Statement(db, delete_device_list).key(change.session, change.user).run();
}

}  // namespace wharf::storage
