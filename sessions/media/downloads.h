#pragma once
// Files of messages on their way into the vault, for those who ask for them. One that the servers no longer have is
// asked of the phone, once, which uploads it again. Nothing is written but the new place of such a file: a download
// that is cut off by whatever is asked for again. Specification 04 sections 4 and 6.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sessions/alarms.h"
#include "sessions/commands.h"
#include "sessions/context.h"
#include "sessions/fanout.h"
#include "sessions/media/media_hosts.h"
#include "sessions/media/media_transfers.h"
#include "sessions/media/stored_media.h"

namespace wharf::sessions {

class Downloads {
 public:
  static constexpr std::size_t max_wanted = 64;  // messages at a time (04 section 6: a bounded table)
  static constexpr std::chrono::seconds phone_patience{60};
  Downloads(Context& context, Directory& directory, MediaHosts& hosts, Fanout& fanout)
      : c_(context), directory_(directory), hosts_(hosts), fanout_(fanout) {}

  void fetch(const FetchMedia& wanted, Reply<void> reply);
  void fetch(const FetchPostFile& wanted, Reply<void> reply);
  /// Part of the table is kept for those who ask: without room nothing is fetched unasked until an on_end.
  bool room_unasked() const { return wanted_.size() < max_wanted / 2; }
  /// For nobody who waits. False: it cannot be begun, and on_end says nothing.
  bool fetch_unasked(const std::string& message);
  /// In a turn, at the end of each download, however it ended. `cut_off`: for want of a connection to WhatsApp, so that
  /// the next one may do better.
  std::function<void(const std::string& message, bool cut_off)> on_end;
  /// <notification type="mediaretry">: nothing when nobody asked for it.
  void on_notification(const Node& notification);
  /// What waits for the phone waits in vain.
  void on_link_down();
  std::optional<net::SteadyTime> due() const { return phone_due_.earliest(); }
  void on_due();

 private:
  struct Wanted {
    Jid chat;
    bool from_me = false;
    StoredMedia media;
    std::vector<Reply<void>> waiting;
    bool phone_asked = false;
  };
  using Table = std::map<std::string, Wanted>;  // by WhatsApp id; of a post by what is no such id

  /// Puts it into the table; false: it stood there. Errors: as FetchMedia, before anything is fetched.
  Outcome<bool> want(const FetchMedia& asked);
  Outcome<bool> want(const std::string& id, const Jid& chat, bool from_me, StoredMedia media);
  /// That which `wanted` is of; its chat may be another one by now.
  std::optional<storage::MessageRow> message_of(const std::string& id, const Wanted& wanted) const;
  void begin(const std::string& id);
  void transfer(const std::string& id, std::vector<std::string> hosts);
  void on_result(const std::string& id, Transferred<void> result);
  void ask_phone(const std::string& id, Wanted& wanted, std::string why);
  void end(const std::string& id, const Outcome<>& outcome, bool cut_off = false);

  Context& c_;
  Directory& directory_;
  MediaHosts& hosts_;
  Fanout& fanout_;
  Table wanted_;
  Alarms<std::string> phone_due_;
};

}  // namespace wharf::sessions
