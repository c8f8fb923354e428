import java.net.HttpURLConnection;
import java.net.URI;

/** Get URL [MS]: by HttpURLConnection, with that connect timeout or none. */
public class Get {
    public static void main(String[] args) throws Exception {
        var connection = (HttpURLConnection) URI.create(args[0]).toURL().openConnection();
        if (args.length > 1) connection.setConnectTimeout(Integer.parseInt(args[1]));
        try (var body = connection.getInputStream()) {
            System.out.print(new String(body.readAllBytes()));
        } catch (java.io.IOException error) {
            System.out.println(error);
            System.exit(1);
        }
    }
}
