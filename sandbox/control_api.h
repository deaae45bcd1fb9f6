#pragma once
// The control API of the simulated network: /sandbox/v1/**. docs/sandbox.md, specification 06 section 19.
// Parse, find, act, answer; all routes stand in one table in control_api.cpp.

#include <string>

#include <functional>

#include "net/http_server.h"
#include "sandbox/media/media_host.h"
#include "sandbox/network.h"
#include "sandbox/phones.h"
#include "sandbox/sandbox.h"
#include "sandbox/scripts.h"

namespace wharf::sandbox {

class ControlApi {
 public:
  /// All must outlive this; `addresses` is read at each request. Every answer goes through `after_commit`: what it says
  /// is durable. `media` nullptr: a network without a media host, whose routes answer 503.
  using AfterCommit = std::function<void(std::function<void()>)>;
  ControlApi(Network& network, Phones& phones, const SandboxAddresses& addresses, AfterCommit after_commit,
             MediaHost* media = nullptr);

  /// Answers in the API's envelope; a scan or a code answers when the pairing ended.
  void handle(net::HttpRequest request, net::Responder responder);

  /// Scenarios that play are stopped and whoever waits for one is answered; none begins any more.
  void end_scripts();

 private:
  Network& network_;
  Phones& phones_;
  const SandboxAddresses& addresses_;
  AfterCommit after_commit_;
  MediaHost* media_;
  Scripts scripts_;
};

}  // namespace wharf::sandbox
