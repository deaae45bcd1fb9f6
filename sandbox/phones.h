#pragma once
// Every simulated phone of the network, and the wires from the server's pairing events to the phone they concern.
// Specification 06 sections 3 and 19. One thread.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/network.h"
#include "sandbox/phone.h"

namespace wharf::sandbox {

class MediaHost;

/// Digits of a number as people write it: '+', spaces, dashes, dots and parentheses dropped. Errors: malformed (another
/// character, not 7 to 15 digits).
protocol::Result<std::string> normalise_phone(std::string_view text);

class Phones {
 public:
  /// Takes over the network's callbacks on_link_code_hello, on_link_code_finish, on_device_linked, on_first_prekeys and
  /// on_device_removed. `network` must outlive this.
  explicit Phones(Network& network);
  ~Phones();

  /// Where key stretching (tens of milliseconds) runs: `work` somewhere, then `done` on the loop. Default: both at
  /// once.
  using Worker = std::function<void(std::function<void()> work, std::function<void()> done)>;
  void set_worker(Worker worker);

  /// Where the phones upload and download. Without one, or when it has ended, they send no files and load none.
  void set_media_host(const std::shared_ptr<MediaHost>& host);

  /// Creates the account and its phone, switched on. Errors: malformed, conflict (number taken).
  protocol::Result<Phone*> create(std::string_view phone, std::string name, bool with_lid = true);
  /// By the digits of its number; nullptr when there is none.
  Phone* find_number(std::string_view number);
  /// By what names its account for good.
  Phone* find(std::string_view phone);
  std::vector<Phone*> all();

  /// Rows of the phones: their bytes (nullopt: gone), and their return into a network that was restored before.
  /// Errors: malformed.
  std::optional<Bytes> row(const RowKey& key) const;
  protocol::Result<void> restore(const RowKey& key, ByteView row);
  void restored();

 private:
  Network& network_;
  std::shared_ptr<Worker> worker_;     // shared with the phones, which read it when they need it
  std::shared_ptr<PhoneFiles> files_;  // and this
  std::map<std::string, std::unique_ptr<Phone>, std::less<>> phones_;
};

}  // namespace wharf::sandbox
