// Java: prints how long each way of waiting lasted, by its own clock.
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.channels.Selector;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

public class OnJava {
    interface Way {
        void await(long spanMs) throws Exception;
    }

    static void lasted(String name, long spanMs, Way way) throws Exception {
        way.await(spanMs / 50); // so that nothing is done for the first time
        long began = System.nanoTime();
        way.await(spanMs);
        System.out.println("lasted " + (System.nanoTime() - began) / 1e9 + " " + name);
    }

    static void interval(long spanMs) throws InterruptedException {
        var ticks = new CountDownLatch(5);
        var timer = Executors.newSingleThreadScheduledExecutor();
        long each = spanMs / 5;
        timer.scheduleAtFixedRate(ticks::countDown, each, each, TimeUnit.MILLISECONDS);
        ticks.await();
        timer.shutdownNow();
    }

    static void poll(long spanMs) throws IOException {
        try (var selector = Selector.open()) {
            selector.select(spanMs);
        }
    }

    static void condition(long spanMs) throws InterruptedException {
        var lock = new ReentrantLock();
        lock.lock();
        lock.newCondition().await(spanMs, TimeUnit.MILLISECONDS);
        lock.unlock();
    }

    static void deadline(long spanMs) throws IOException {
        try (var server = new ServerSocket(0);
                var there = new Socket("127.0.0.1", server.getLocalPort())) {
            there.setSoTimeout((int) spanMs);
            there.getInputStream().read();
        } catch (SocketTimeoutException expected) {
            return;
        }
    }

    public static void main(String[] words) throws Exception {
        long spanMs = (long) (Double.parseDouble(words[0]) * 1000);
        lasted("sleep", spanMs, Thread::sleep);
        lasted("interval", spanMs, OnJava::interval);
        lasted("poll timeout", spanMs, OnJava::poll);
        lasted("condition wait", spanMs, OnJava::condition);
        lasted("read deadline", spanMs, OnJava::deadline);
        System.out.println("calendar " + System.currentTimeMillis() / 1000.0);
    }
}
