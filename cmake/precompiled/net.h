#pragma once
// What most files of net/ include, compiled once for them where WHARF_PRECOMPILE is on.

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>
