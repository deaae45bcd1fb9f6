#pragma once
// The files of the outbox on their way to the media servers: which row waits for which upload, in what order, and what
// happens when one fails. A file lies in the vault until its row is through, so a restart begins the upload again from
// what is there; the servers know the file by its hash, so nothing is doubled. Specification 04 section 3.
//
// A plain file is uploaded once in the time that the servers keep it (stored_media.h: on_servers): a later message with
// the same file, of the same kind, announces the upload of the earlier one, as a forward does. Key and plaintext are
// the same, so the ciphertext is: no key is used for two plaintexts. While the first upload runs, others with its file
// wait for it, and have it when it ends; when the servers say that it is too large, they fail with it. Each row keeps
// a file of its own in the vault until then, so whatever else ends the first one, the next one goes in its place: the
// file that was sent may be damaged in one of them alone, and each has its own number of attempts. What was decided
// is in the rows of one turn: whoever announces a known upload needs its file no more.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "sessions/alarms.h"
#include "sessions/context.h"
#include "sessions/media/media_hosts.h"
#include "sessions/media/media_transfers.h"

namespace wharf::sessions {

class Uploads {
 public:
  static constexpr std::size_t at_once = 2;          // of one session
  static constexpr unsigned max_attempts = 12;       // about half an hour of servers that fail
  static constexpr std::size_t looked_at_once = 64;  // rows that may have a known upload; a turn has two goes at most
  Uploads(Context& context, MediaHosts& hosts) : c_(context), hosts_(hosts) {}

  /// Set by the outbox. Called in a turn, after the row is forgotten here.
  std::function<void(std::int64_t row, const protocol::UploadAnswer& answer)> on_uploaded;
  std::function<void(std::int64_t row, const std::string& why)> on_failed;
  /// `content`: the row's message, which announces an upload that is known.
  std::function<void(std::int64_t row, Bytes content)> on_known;

  /// An outbox row whose message has a file in the vault.
  void add(std::int64_t row, std::string message_id);
  /// It is not to be sent any more.
  void forget(std::int64_t row);
  /// Begins what can be begun.
  void go_on();
  std::optional<net::SteadyTime> due() const;
  void on_due();

 private:
  struct Pending {
    std::string message_id;
    enum class At { unseen, waiting, asking, sending, pausing, following } at = At::unseen;
    std::uint64_t transfer = 0;
    unsigned attempts = 0;
    bool asked_anew = false;                 // for hosts, at once, after a token was refused
    std::optional<storage::UploadKey> file;  // once it was looked at
  };
  /// The row that uploads a file, until it is through, and those that wait for it.
  struct Shared {
    std::int64_t leader = 0;
    std::set<std::int64_t> followers;
  };
  void wait(std::int64_t row, Pending& pending);
  /// Whether its file is known, or is being uploaded for another row.
  void look(std::int64_t row, Pending& pending);
  void begin(std::int64_t row, Pending& pending);
  /// The message's own content with a known upload of this file; nullopt: there is none.
  std::optional<Bytes> known_upload(const storage::MessageRow& message, const storage::UploadKey& file) const;
  /// It is the first with its file; else it follows the one that is.
  bool leads(std::int64_t row, const Pending& pending);
  /// The row waits for nobody, nor anybody for it: those who did.
  std::set<std::int64_t> leave(std::int64_t row, const Pending& pending);
  void look_again(const std::set<std::int64_t>& rows);
  void send(std::int64_t row, const protocol::MediaConn* hosts);
  void on_result(std::int64_t row, Transferred<protocol::UploadAnswer> result);
  void fail(std::int64_t row, const std::string& why);
  void fail_with_followers(std::int64_t row, const std::string& why);

  Context& c_;
  MediaHosts& hosts_;
  std::map<std::int64_t, Pending> pending_;
  std::set<std::int64_t> unseen_;   // those to be looked at, which needs no turn among the uploads
  std::set<std::int64_t> waiting_;  // those that can be begun
  std::map<storage::UploadKey, Shared> shared_;
  Alarms<std::int64_t> pauses_;
  std::size_t active_ = 0;  // asking or sending
  bool going_on_ = false;
};

}  // namespace wharf::sessions
