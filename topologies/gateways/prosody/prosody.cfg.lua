-- XMPP over WebSockets (RFC 7395) and nothing else; its address comes from the environment.
run_as_root = true
daemonize = false
modules_enabled = { "saslauth", "websocket", "smacks" }
modules_disabled = { "s2s", "offline" }
c2s_ports = {}
c2s_direct_tls_ports = {}
http_interfaces = { ENV_HOST }
http_ports = { ENV_PORT }
https_ports = {}
consider_websocket_secure = true
http_host = "chat.example"
storage = "memory"
authentication = "anonymous"
log = { info = "*console" }

VirtualHost "chat.example"
