# nginx takes no address from its environment: each machine gets a folder and a configuration in it.
folder=$(mktemp -d)
sed "s/@HOST@/$HOST/; s/@PORT@/$PORT/" nginx.conf.template >"$folder/nginx.conf"
exec nginx -p "$folder" -c nginx.conf
